"""Imports TensorFlow without the noise, and binds processes to cores and parents."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Collection, Iterator


def load_tensorflow() -> None:
    """Import TensorFlow without its greetings: four lines that no log level stops.

    As the import takes seconds, commands call this after the checks that need no
    TensorFlow.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow  # noqa: F401
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def follow_parent() -> None:
    """Leave Ctrl-C to the process that spawned this one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def bound_to(cores: Collection[int]) -> Iterator[None]:
    """Keep this thread, and the threads and processes it starts, on these cores.

    NumPy counts the cores when it is imported, TensorFlow when it is first used. Both
    start a thread for each core; our ops use TensorFlow's threads.
    """
    there = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, there)

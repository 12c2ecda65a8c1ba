"""Imports TensorFlow without the noise, and binds processes to cores and parents."""

import contextlib
import glob
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator


def load_tensorflow() -> list[str]:
    """Import TensorFlow without its greetings: four lines that no log level stops.

    As the import takes seconds, commands call this after the checks that need no
    TensorFlow.

    Returns:
        What TensorFlow says of GPUs that it cannot use; nothing where it has been
        imported before.
    """
    if "tensorflow" in sys.modules:
        return []
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
        said.seek(0)
        messages = about_gpus(said.read())
    if messages or gpus or not glob.glob("/dev/nvidia[0-9]*"):
        return messages
    # Which library is missing is a warning, and a process has one level.
    program = "import tensorflow as tf; tf.config.list_physical_devices()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    return about_gpus(done.stderr)


def about_gpus(log: str) -> list[str]:
    """The messages of TensorFlow's log that speak of GPUs, each once."""
    messages = [line.rpartition("] ")[2].strip() for line in log.splitlines()]
    return [*dict.fromkeys(x for x in messages if re.search("GPU|gpu|CUDA", x))]


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

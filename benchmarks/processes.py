"""A process for each number of cores: libraries look once at how many there are."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from gspn_tf.commands.command import load_tensorflow


def _bind(cores: list[int]) -> None:
    os.sched_setaffinity(0, cores)
    # Threads of a library that wait for its next call keep no core from the others.
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
    load_tensorflow()


def apart(cores: list[int], function: Callable, *arguments: Any) -> Any:
    """What the function gives in a process that can use these cores only."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=_bind, initargs=(cores,)) as pool:
        return pool.submit(function, *arguments).result()

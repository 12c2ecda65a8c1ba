"""Requests to Triton from several clients, by the environment that has tritonclient.

    python triton_load.py JOB.json OUTPUT

The job names the folder of triton_client.py, the addresses that clients take in turn,
the number of clients, and the sizes of the scans, which are sent over and over until
the file `until` is there if it is named; or else the file of one scan that is sent
`repeats` times. Every answer is OUTPUT/<request>.npz; a line `request seconds tries` is
printed when it is there. Clients try again where the server is not there.
"""

import importlib.util
import itertools
import json
import sys
import threading
import time
from pathlib import Path

import numpy as np
from far_scans import scan
from tritonclient.utils import InferenceServerException

PATIENCE, PAUSE = 300, 0.5  # seconds


def client_module(folder):
    """The example docs/serving/triton_client.py."""
    path = Path(folder, "triton_client.py")
    spec = importlib.util.spec_from_file_location("triton_client", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_away(error):
    """Whether an error is that of a server that is not there, or not yet."""
    if isinstance(error, InferenceServerException):
        return "UNAVAILABLE" in str(error.status())
    return isinstance(error, OSError) or "ConnectionClosed" in type(error).__name__


def answered(example, address, points, colors):
    """An answer and the tries that it took, each by a new connection."""
    give_up = time.monotonic() + PATIENCE
    for tries in itertools.count(1):
        try:
            return example.predict(example.connect(address), points, colors), tries
        except Exception as error:
            if not is_away(error) or time.monotonic() > give_up:
                raise
            print(f"try {tries}: {error!r}", file=sys.stderr)
            time.sleep(PAUSE)


def save(path, answer):
    """Write an answer without pickles: masks joined, and their lengths."""
    masks = answer.pop("masks_bytes")
    joined = np.frombuffer(b"".join(masks), np.uint8)
    np.savez(path, masks=joined, lengths=[len(mask) for mask in masks], **answer)


def endless(scans, until):
    """The scans over and over, until there is a file."""
    return itertools.takewhile(lambda _: not until.exists(), itertools.cycle(scans))


def main(job, output):
    """Send all requests."""
    example = client_module(job["example"])
    if "scan" in job:
        with np.load(job["scan"]) as file:
            one = file["points"], file["colors"]
        scans = [one] * job["repeats"]
    else:
        scans = [scan(size) for size in job["sizes"]]
    if "until" in job:
        scans = endless(scans, Path(job["until"]))
    waiting, lock = iter(enumerate(scans)), threading.Lock()
    failed = []

    def work(address):
        while not failed:
            with lock:
                number, (points, colors) = next(waiting, (None, (None, None)))
            if number is None:
                return
            start = time.perf_counter()
            try:
                answer, tries = answered(example, address, points, colors)
            except Exception as error:
                failed.append(error)
                raise
            taken = time.perf_counter() - start
            save(Path(output, f"{number}.npz"), answer)
            print(number, taken, tries, flush=True)

    addresses = itertools.islice(itertools.cycle(job["addresses"]), job["clients"])
    clients = [threading.Thread(target=work, args=[each]) for each in addresses]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    sys.exit(len(failed))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])

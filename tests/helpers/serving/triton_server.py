"""Triton from the wheel nvidia-pytriton, its load, and what it needs of memory."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import numpy as np

from serving.answers import EXAMPLES

PATIENCE = 600  # seconds until a server is ready
STUB = "triton_python_backend_stub"


class Triton:
    """A server over a model repository, started and ended at will, on the same ports.

    Args:
        python: Of the environment with nvidia-pytriton, tritonclient and TensorFlow.
        repository: Of models.
        scratch: Folder for its backend and its log.
    """

    def __init__(self, python, repository, scratch):
        self.python, self.repository, self.scratch = python, repository, Path(scratch)
        self.http, self.grpc = free_ports(2)
        command = "import sys, pytriton; print(pytriton.__path__[0], *sys.version_info)"
        found = subprocess.run(
            [python, "-c", command], check=True, capture_output=True, text=True
        )
        wheel, major, minor, *_ = found.stdout.split()
        self.wheel = Path(wheel, "tritonserver")
        # The wheel has a stub for each Python, but none where the backend looks for it.
        backend = self.scratch / "backends" / "python"
        backend.mkdir(parents=True)
        stub = self.wheel / "python_backend_stubs" / f"{major}.{minor}" / STUB
        for file in (*(self.wheel / "backends" / "python").glob("*.*"), stub):
            (backend / file.name).symlink_to(file)
        self.process = None

    @property
    def addresses(self):
        return [f"grpc://127.0.0.1:{self.grpc}", f"http://127.0.0.1:{self.http}"]

    def start(self):
        """Start the server and wait until it is ready."""
        path = f"{Path(self.python).parent}:{os.environ['PATH']}"
        with open(self.scratch / "server.log", "a") as log:
            self.process = subprocess.Popen(
                [
                    *(self.wheel / "bin" / "tritonserver", "--allow-metrics=false"),
                    *("--model-repository", self.repository),
                    *("--backend-directory", self.scratch / "backends"),
                    *("--http-address=127.0.0.1", f"--http-port={self.http}"),
                    *("--grpc-address=127.0.0.1", f"--grpc-port={self.grpc}"),
                    *("--model-control-mode=explicit", "--load-model=gspn"),
                ],
                stdout=log,
                stderr=log,
                env=os.environ | {"PATH": path},
            )
        give_up = time.monotonic() + PATIENCE
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((self.scratch / "server.log").read_text())
            time.sleep(0.2)

    def ready(self):
        try:
            self.ask("GET", "health/ready")
        except OSError:
            return False
        return True

    def ask(self, method, path, body=None):
        """The server's JSON for a request of the KServe protocol."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/v2/{path}",
            None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def states(self):
        """{version: "READY" or "UNAVAILABLE"} of the model."""
        index = self.ask("POST", "repository/index", {})
        return {each["version"]: each["state"] for each in index if "state" in each}

    def control(self, word):
        """Ask to "load" or "unload" the model; by gRPC.

        By HTTP, clients whose connections fall to the same thread would wait meanwhile.
        """
        program = "import sys, tritonclient.grpc as grpc; client = "
        program += "grpc.InferenceServerClient(sys.argv[1]); "
        program += f"client.{word}_model('gspn')"
        command = [self.python, "-c", program, f"127.0.0.1:{self.grpc}"]
        subprocess.run(command, check=True)

    def becomes(self, states):
        """Whether the versions have these states soon: unloading goes on by itself."""
        give_up = time.monotonic() + 60
        while (found := self.states()) != states and time.monotonic() < give_up:
            time.sleep(0.1)
        return found == states

    def kill(self):
        """Kill it, its processes of the Python backend too."""
        for process in processes(self.process.pid):
            os.kill(process, signal.SIGKILL)
        self.process.wait()

    def load(self, output, clients=4, **job):
        """Start clients that send a load; see triton_load.py."""
        output.mkdir()
        job = {"addresses": self.addresses, "clients": clients, **job}
        file = output / "job.json"
        file.write_text(json.dumps({"example": str(EXAMPLES), **job}))
        program = Path(__file__).parent / "triton_load.py"
        command = [self.python, program, file, output]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def send(self, output, clients=4, **job):
        """Send a load to its end; what was answered, or None where a request failed."""
        with self.load(output, clients, **job) as sending:
            done = [read_line(line) for line in sending.stdout]
        return None if sending.returncode else done


class Answered(NamedTuple):
    """A line of a load."""

    request: int
    seconds: float
    tries: int


def read_line(line):
    request, seconds, tries = line.split()
    return Answered(int(request), float(seconds), int(tries))


def read_answer(path):
    """An answer of a load, with the axis of scans that `assert_answers` expects."""
    with np.load(path) as file:
        outputs = {name: file[name][None] for name in ("boxes", "classes", "scores")}
        ends = np.cumsum(file["lengths"], dtype=int)[:-1]
        masks = [part.tobytes() for part in np.split(file["masks"], ends)]
        masks = masks if len(file["lengths"]) else []
        return {
            **outputs,
            "masks_bytes": [masks],
            "num_detections": file["num_detections"],
        }


def processes(parent):
    """A process and all that it started."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, of, *_ = file.read_text().rpartition(")")[2].split()
            parents[int(file.parent.name)] = int(of)
    found = [parent]
    for process in found:
        found += [each for each, of in parents.items() if of == process]
    return found


def memory_mb(parent):
    """Resident memory of a process and all that it started."""
    total = 0
    for process in processes(parent):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text()
            total += int(status.partition("VmRSS:")[2].split()[0]) / 1024
    return total


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]

"""`gspn serve-data`: processes that prepare training scenes for others."""

import signal
from argparse import Namespace

from gspn_tf.commands.command import Command
from gspn_tf.commands.flags import flag, integer
from gspn_tf.startup import load_tensorflow

FORGET_MS = 10_000  # after which workers drop the epochs that nobody reads any more
FLAGS = (
    flag(
        "--dispatcher",
        "HOST:PORT of the dispatcher to work for; without it this is a dispatcher.",
    ),
    flag("--host", "Name by which other machines reach this one.", "localhost"),
    flag("--port", "Port to listen on; 0: any free one.", 0, type=integer(0, 65535)),
)


def run(flags: Namespace) -> None:
    """Prepare training scenes for other processes: a dispatcher or a worker."""
    load_tensorflow()
    from tensorflow.data.experimental import service

    from gspn_tf import ops

    ops.load_library()  # scenes are drawn with its ops, and graphs hold them
    if flags.dispatcher is None:
        config = service.DispatcherConfig(
            port=flags.port,
            job_gc_check_interval_ms=FORGET_MS,
            job_gc_timeout_ms=FORGET_MS,
        )
        server = service.DispatchServer(config)
        port = server.target.rpartition(":")[2]
        print(f"dispatcher at grpc://{flags.host}:{port}", flush=True)
    else:
        address = flags.dispatcher.removeprefix("grpc://")
        config = service.WorkerConfig(
            dispatcher_address=address,
            worker_address=f"{flags.host}:%port%",
            port=flags.port,
        )
        server = service.WorkerServer(config)
        print(f"worker of grpc://{address}", flush=True)
    while server is not None:  # held: it ends with its last reference
        signal.pause()


COMMAND = Command("serve-data", FLAGS, run)

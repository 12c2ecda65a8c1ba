"""The standard streams of a command, whatever is at their other ends."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class _Outlet(io.FileIO):
    """An _Outlet is an open descriptor that drops what nobody reads any more."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Let a command go on where its standard streams are closed meanwhile.

    The work of a command is the files that it leaves; its lines only tell of them. So
    `gspn segment ... | head -1`, or a pager that is left early, ends nothing: the other
    lines are lost, the files are written, and the exit status is that of the work.
    Streams that write to no descriptor, as in notebooks, stay.
    """
    if sys.stderr is None:  # closed: the next file that is opened would be it
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    with (
        contextlib.redirect_stdout(_lasting(sys.stdout)),
        contextlib.redirect_stderr(_lasting(sys.stderr)),
    ):
        try:
            yield
        finally:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()


def _lasting(stream: TextIO) -> TextIO:
    """A stream to the same descriptor that no closed pipe ends."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")  # names of files in no encoding
    if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )

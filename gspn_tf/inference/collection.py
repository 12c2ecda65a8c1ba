"""Many scans in one command: which they are, and what has become of each.

The results of each scan are in a folder of its own. `results.csv` has a row for each
scan that was tried; a later run of the same settings does the others and those that
failed. Several processes share the scans by `--shard`; each has a table of its own, and
an empty file that it holds locked.
"""

import contextlib
import csv
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import files
from gspn_tf.data.job_share import JobShare
from gspn_tf.files.errors import load_json
from gspn_tf.files.formats import NAMES, SUFFIXES
from gspn_tf.files.frame_files import holds_frames, lists_frames
from gspn_tf.files.text import printable, read_text, visible_files

SETTINGS = "settings.json"
_NAMES = "surrogateescape"  # names of files may be in no encoding
_LIST = "instances.json"  # of each scan's results


class ScanFile(NamedTuple):
    """A scan on disk and the name of the folder of its results."""

    path: Path
    name: str


class Outcome(NamedTuple):
    """A row of `results.csv`; the error is empty where all went well."""

    scan: str
    instances: int
    seconds: float
    error: str


def list_scans(arguments: Iterable[str]) -> list[ScanFile]:
    """Find the scans of files, folders and lists, in this order, each once.

    A folder stands for all its scans, those of folders in it too, but for results; or,
    where it has frames of a depth camera and no other scan itself, for one scan. A list
    is a `.txt` file with a path a line, from the list's folder on; lines that begin
    with # are passed over. A list of frames is one scan. Results are named by the paths
    from the folder that all have in common.

    Raises:
        FileNotFoundError: a file, or one that a list names, is missing; or a folder
            holds no scan.
    """
    paths = list(dict.fromkeys(p for each in arguments for p in _paths(Path(each))))
    whole = [Path(os.path.abspath(path)) for path in paths]
    common = Path(os.path.commonpath([path.parent for path in whole]))
    names = [path.relative_to(common) for path in whole]
    bare = [str(name.with_suffix("")) for name in names]
    return [
        ScanFile(path, str(name) if bare.count(short) > 1 else short)
        for path, name, short in zip(paths, names, bare, strict=True)
    ]


def _paths(path: Path) -> list[Path]:
    if path.is_dir():
        if found := sorted([*_scan_files(path), *_frame_folders(path)]):
            return found
        raise FileNotFoundError(
            f"{path} holds no scan: none of {' '.join(NAMES)}, and no frames, which "
            "are in depth/ and pose/"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    if path.suffix.lower() != ".txt" or lists_frames(path):
        return [path]
    lines = (line.strip() for line in read_text(path, _NAMES).splitlines())
    found = [path.parent / line for line in lines if line and line[0] != "#"]
    if missing := [each for each in found if not each.exists()]:
        raise FileNotFoundError(
            f"{path} lists {missing[0]}, which is missing; text of points is named .xyz"
        )
    if not found:
        raise FileNotFoundError(f"{path} lists no scan")
    return found


def _scan_files(folder: Path) -> list[Path]:
    """The scans of a folder, and of those in it, that are files."""
    inside = visible_files(folder, "**/*")
    scans = [each for each in inside if each.name.lower().endswith(SUFFIXES)]
    return [each for each in scans if each.is_file() and not _is_result(each)]


def _frame_folders(folder: Path) -> list[Path]:
    """A folder, or those in it, that have frames and no other scan."""
    folders = [folder, *(p for p in visible_files(folder, "**/*") if p.is_dir())]
    return [each for each in folders if holds_frames(each) and not _scan_files(each)]


def _is_result(path: Path) -> bool:
    """Whether a file is one of those that an earlier command left."""
    beside = {"instances": _LIST, "masks": _LIST, "results": SETTINGS}
    mark = beside.get(path.name.partition(".")[0])
    return mark is not None and (path.parent / mark).is_file()


@contextlib.contextmanager
def locked_share(folder: Path, share: JobShare) -> Iterator[None]:
    """Keep other processes from the results of a share meanwhile.

    The whole work has its folder, made where it is missing, for itself; shares have it
    together, and each has a file in it.

    Raises:
        ValueError: another process does this share, or the whole work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    several = share.total > 1
    other = f"another process writes to {folder}; --shard i/n shares the scans"
    with contextlib.ExitStack() as locks:
        locks.enter_context(files.locked(folder, other, shared=several))
        if several:
            part = f"--shard {share.number}/{share.total}"
            other = f"another process with {part} writes to {folder}; each has its own"
            path = folder / f"results{share.suffix}.lock"
            locks.enter_context(files.locked(path, other))
        yield


class Results:
    """The folder of the results of many scans.

    Args:
        folder: made where it is missing.
        settings: what all results must be made with.
        shard: the part of the scans that is done here.

    Raises:
        ValueError: the folder has results of other settings, or a damaged table.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], shard: JobShare) -> None:
        self.folder, self.path = folder, folder / f"results{shard.suffix}.csv"
        known = folder / SETTINGS
        if known.is_file():
            _check_same(load_json(known), settings, folder)
        else:
            files.write_json(known, settings)
        self.rows = self._read() if self.path.is_file() else {}

    def is_done(self, name: str) -> bool:
        """Whether a scan was segmented, here or in an earlier run."""
        row = self.rows.get(printable(name))
        written = (self.folder / name / _LIST).is_file()
        return row is not None and not row.error and written

    def folder_of(self, name: str) -> Path:
        """Return the folder of a scan's results, without what a killed run left."""
        folder = self.folder / name
        for left in folder.glob(f"{files.SCRATCH}*"):
            shutil.rmtree(left)
        return folder

    def add(self, outcome: Outcome) -> None:
        """Write a row, in place of an earlier one of that scan."""
        name, error = printable(outcome.scan), printable(outcome.error)
        self.rows[name] = outcome._replace(scan=name, error=error)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(Outcome._fields)
        table.writerows(self.rows.values())
        with files.replacing(self.path) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8")

    def failures(self, scans: Iterable[ScanFile]) -> list[ScanFile]:
        """List those of some scans whose last try failed."""
        failed = {name for name, row in self.rows.items() if row.error}
        return [scan for scan in scans if printable(scan.name) in failed]

    def _read(self) -> dict[str, Outcome]:
        head, *rows = csv.reader(io.StringIO(read_text(self.path)))
        try:
            if tuple(head) != Outcome._fields:
                raise ValueError(f"its columns are {head}")
            found = [Outcome(a, int(b), float(c), d) for a, b, c, d in rows]
        except ValueError as error:
            raise ValueError(
                f"{self.path} is no table of {', '.join(Outcome._fields)}: {error}"
            ) from error
        return {row.scan: row for row in found}


def _check_same(known: Any, settings: dict[str, Any], folder: Path) -> None:
    """ValueError that names a setting that differs from that of earlier results."""
    known = known if isinstance(known, dict) else {}
    for name, value in settings.items():
        if known.get(name) != value:
            raise ValueError(
                f"{folder} has results with {name} = {known.get(name)!r}, now it is "
                f"{value!r}: give another --output"
            )

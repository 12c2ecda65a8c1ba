"""Values recorded from the released model, and how ours are compared with them.

They lie in the folder that GSPN_GOLDEN names, ../shared/golden by default; where there
is none, in tests/golden: a small part of them, made by subset.py and compressed. Files
are found by pattern, so that other scenes recorded in the same way are tested as well.

A `Case` says which values it checks and must read each of them; and each value of a
file must be one of some case of tables.py or match NOT_CHECKED. So nothing that was
recorded is left out silently.
"""

import copy
import io
import lzma
import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np

TOLERANCE = 5e-4  # of the largest recorded magnitude; one ulp in all weights gives 1e-4
# Inputs, remarks, a variable of the release that nothing there reads, and points of a
# scene that the results of a group do not depend on.
NOT_CHECKED = (
    "in_*",
    *("alpha", "bn_decay", "noise", "drop_mask", "scenes"),
    *("*/doc", "*/seed"),
    "*/var:up/weights",
    "refine_detections/pc",
    "zero_roi_misalignment/pc",
)
COMMITTED = Path(__file__).resolve().parent.parent / "golden"
BESIDE = COMMITTED.parents[2] / "shared" / "golden"


def folder() -> Path:
    """Where the recorded files are."""
    if named := os.environ.get("GSPN_GOLDEN"):
        if not any(Path(named).glob("*.npz")):
            raise FileNotFoundError(f"GSPN_GOLDEN names {named}: no .npz files in it")
        return Path(named)
    return BESIDE if any(BESIDE.glob("*.npz")) else COMMITTED


def files() -> list[Path]:
    """Recorded files, compressed or not, sorted."""
    return sorted([*folder().glob("*.npz"), *folder().glob("*.npz.xz")])


def name_of(path: Path) -> str:
    """The name of a recorded file, without what it ends with."""
    return path.name.split(".npz")[0]


class Golden:
    """The values of one recorded file, or those of one group of it.

    `read` is the set of (file, value) that were asked for.
    """

    def __init__(self, path: Path, read: set[tuple[str, str]] | None = None):
        self.path, self.prefix, self.name = path, "", name_of(path)
        self.read = set() if read is None else read
        data = path.read_bytes()
        packed = path.suffix == ".xz"
        self._file = np.load(io.BytesIO(lzma.decompress(data) if packed else data))

    def group(self, name: str) -> "Golden":
        """The values `name/...`, by what follows the slash."""
        group = copy.copy(self)
        group.prefix = f"{self.prefix}{name}/"
        return group

    def of_same_scene(self, kind: str, other: str) -> "Golden | None":
        """The file of the same scene that is called `other` instead of `kind`."""
        path = self.path.with_name(self.path.name.replace(kind, other, 1))
        return Golden(path, read=self.read) if path.exists() else None

    def keys(self) -> list[str]:
        start = len(self.prefix)
        return [key[start:] for key in self._file if key.startswith(self.prefix)]

    def __contains__(self, key: str) -> bool:
        return self.prefix + key in self._file

    def __getitem__(self, key: str) -> np.ndarray:
        """A value as it was recorded; indices that were packed are int32 again."""
        self.read.add((self.name, self.prefix + key))
        value = self._file[self.prefix + key]
        return value.astype(np.int32) if value.dtype == np.uint16 else value

    def bits(self, key: str, count: int) -> np.ndarray:
        """Masks that were packed, [..., ceil(count / 8)], as bool [..., count]."""
        return np.unpackbits(self[key], axis=-1, count=count).astype(bool)

    def end_point(self, name: str, ours) -> tuple[np.ndarray, np.ndarray]:
        """Gives what was recorded of an end point, and the same part of ours.

        `name__sK` has every K-th row of axis 1, `name__sub` its rows `sub`, anything
        else after the underscores the first ones of every axis.
        """
        ours = np.asarray(ours)
        key = next(k for k in self.keys() if k == name or k.startswith(f"{name}__"))
        part, recorded = key[len(name) + 2 :], self[key]
        if part == "sub":
            return recorded, ours[:, self["sub"]]
        if part[:1] == "s" and part[1:].isdigit():
            return recorded, ours[:, :: int(part[1:])]
        if part:
            return recorded, ours[tuple(slice(size) for size in recorded.shape)]
        return recorded, ours


class Check:
    """Compares values of one group and remembers every failure."""

    def __init__(self) -> None:
        self.count = 0
        self.failures: list[str] = []

    def same(self, name: str, recorded, ours) -> None:
        """Floats within the tolerance, integers and truth values equal."""
        recorded, ours = np.asarray(recorded), np.asarray(ours)
        self.count += 1
        if recorded.shape != ours.shape:
            self.failures.append(f"{name}: shape {ours.shape}, not {recorded.shape}")
        elif recorded.dtype.kind == "f":
            self._close(name, recorded.astype(np.float64), ours.astype(np.float64))
        elif not np.array_equal(recorded, ours):
            different = int(np.sum(recorded != ours))
            self.failures.append(f"{name}: {different} of {recorded.size} differ")

    def true(self, name: str, holds) -> None:
        """A property that must hold where no equality can."""
        self.count += 1
        if not holds:
            self.failures.append(f"{name}: does not hold")

    def _close(self, name: str, recorded: np.ndarray, ours: np.ndarray) -> None:
        finite = np.isfinite(recorded)
        if not np.array_equal(recorded[~finite], ours[~finite]):
            self.failures.append(f"{name}: other values are not finite")
        worst = np.abs(ours[finite] - recorded[finite]).max(initial=0.0)
        largest = np.abs(recorded[finite]).max(initial=0.0)
        if not worst <= TOLERANCE * largest:
            self.failures.append(
                f"{name}: error {worst:.1e}, the largest {largest:.4g}"
            )

    def end_points(self, g: Golden, ours: dict, prefix: str = "") -> None:
        """Every end point of `ours` that was recorded, in full or in part."""
        recorded = {key.split("__")[0] for key in g.keys()}
        for name in sorted(ours):
            if prefix + name in recorded:
                self.same(name, *g.end_point(prefix + name, ours[name]))


Compare = Callable[[Golden, Check], None]


def out(function: Callable[[Golden], object]) -> Compare:
    """The comparison of a group whose one result is called `out`."""
    return lambda g, check: check.same("out", g["out"], function(g))


class Case(NamedTuple):
    """One group of recorded values and their comparison."""

    name: str
    keys: frozenset[str]  # names in the file that the comparison must read
    compare: Compare

    def run(self, path: Path) -> None:
        """Makes the comparisons; AssertionError lists all that fail."""
        golden, check = Golden(path), Check()
        self.compare(golden, check)
        read = {key for file, key in golden.read if file == golden.name}
        assert not self.keys - read, f"not compared: {sorted(self.keys - read)}"
        assert check.count, "nothing was compared"
        assert not check.failures, "\n  ".join(["", *check.failures])


def wanted(golden: Golden, names: str, prefix: str = "") -> frozenset[str] | None:
    """Keys `prefix + name` of a case; None if one is missing that does not end in ?."""
    keys = set(golden.keys())
    needed = {prefix + name for name in names.split() if not name.endswith("?")}
    optional = {prefix + name[:-1] for name in names.split() if name.endswith("?")}
    return frozenset(needed | (optional & keys)) if needed <= keys else None


def not_checked(key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in NOT_CHECKED)


def group_cases(golden: Golden, groups: dict[str, Compare]) -> Iterator[Case]:
    """A case for every group `name/...` of a file whose name is a pattern of groups."""

    def inside(name: str, compare: Compare) -> Compare:
        return lambda golden, check: compare(golden.group(name), check)

    keys = [key for key in golden.keys() if not not_checked(key)]
    for name in sorted({key.split("/")[0] for key in golden.keys()}):
        for pattern, compare in groups.items():
            if fnmatchcase(name, pattern):
                mine = frozenset(key for key in keys if key.startswith(f"{name}/"))
                yield Case(name, mine, inside(name, compare))


def pattern_cases(
    golden: Golden, table: dict[str, tuple[Compare, str]], prefix: str = ""
) -> Iterator[Case]:
    """A case for each comparison of a table that gets something of a file.

    It takes the values `prefix + name` whose names match one of its patterns and that
    no comparison before it took.
    """
    left = {k for k in golden.keys() if k.startswith(prefix) and not not_checked(k)}
    for name, (compare, patterns) in table.items():
        mine = {
            key
            for key in left
            if any(fnmatchcase(key, prefix + each) for each in patterns.split())
        }
        left -= mine
        if mine:
            yield Case(f"{prefix}{name}", frozenset(mine), compare)

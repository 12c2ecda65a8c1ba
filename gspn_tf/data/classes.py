"""Class lists: raw label ids of a data set <-> contiguous rows 1..C of the network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gspn_tf.config import CONFIGS
from gspn_tf.files.text import read_text


@dataclass(frozen=True, slots=True)
class ClassList:
    """The classes of a data set; row 0 is the background and has no entry.

    raw_ids  ids in the data set's own files, one a class, positive and distinct
    names    display names, as many
    """

    raw_ids: tuple[int, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.raw_ids) != len(self.names) or not self.names:
            raise ValueError(
                "a class list needs one name for every id and at least one class, "
                f"got {len(self.raw_ids)} ids and {len(self.names)} names"
            )
        if min(self.raw_ids) < 1 or len(set(self.raw_ids)) != len(self.raw_ids):
            raise ValueError(
                f"class ids must be positive and distinct, got {self.raw_ids}"
            )

        if max(self.raw_ids) > np.iinfo(np.int32).max:
            raise ValueError(f"class ids must be of 32 bits, got {max(self.raw_ids)}")

    def __len__(self) -> int:
        """Number of classes C, without the background."""
        return len(self.names)

    def to_rows(self, raw_ids: np.ndarray) -> np.ndarray:
        """Raw ids -> rows 1..C int32; ids that are not in the list give 0."""
        raw_ids = np.asarray(raw_ids)
        order = np.argsort(self.raw_ids)
        known = np.asarray(self.raw_ids)[order]
        slot = np.searchsorted(known, raw_ids).clip(max=len(known) - 1)
        return np.where(known[slot] == raw_ids, order[slot] + 1, 0).astype(np.int32)

    def to_raw(self, rows: np.ndarray) -> np.ndarray:
        """Rows 0..C -> raw ids int32; the background stays 0."""
        return np.asarray((0, *self.raw_ids), np.int32)[np.asarray(rows)]

    def pairs(self) -> list[list]:
        """`[[raw_id, name], ...]`, the form kept in a manifest."""
        return [[i, name] for i, name in zip(self.raw_ids, self.names, strict=True)]

    @classmethod
    def from_pairs(cls, pairs: list) -> "ClassList":
        """Inverse of `pairs`."""
        return cls(tuple(int(i) for i, _ in pairs), tuple(str(n) for _, n in pairs))

    @classmethod
    def read(cls, path: str | Path, added: int = 0) -> "ClassList":
        """Reads a text file with one "id name" a line; `added` is added to each id.

        Raises ValueError as `read_pairs`, and for ids that are not those of classes.
        """
        pairs = [(raw_id + added, name) for raw_id, name in read_pairs(path)]
        try:
            return cls.from_pairs(pairs)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def read_pairs(path: str | Path) -> list[tuple[int, str]]:
    """Reads the ids and names of a class list, one pair "id name" a line.

    Empty lines and lines that begin with # are skipped; a name may hold spaces. Raises
    ValueError that names the file, the line and what it should be.
    """
    pairs = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        raw_id, *name = line.split(maxsplit=1)
        known = raw_id.isascii() and raw_id.isdigit() and len(raw_id) <= 10
        if not (known and name):
            raise ValueError(
                f'{path}:{number}: expected "id name", such as "5 chair", got {line!r}'
            )
        pairs.append((int(raw_id), name[0].strip()))
    return pairs


SCANNET = ClassList.read(CONFIGS / "classes" / "scannet.txt")
"""ScanNet's 18 benchmark classes under their nyu40 ids; the generated rooms use it."""

"""The ScanNet benchmark's files of predictions and of the truth.

    PREDICTIONS/scene0011_00.txt       one line an instance: "mask label_id confidence"
    PREDICTIONS/predicted_masks/*.txt  the masks: one integer a vertex, 0 = outside
    TRUTH/scene0011_00.txt             one integer a vertex: label_id * 1000 + instance

A mask is named relative to the file that lists it. Label ids are nyu40's: those that
are not of a class are ignored, in the truth as in the predictions. Files of the truth
may be compressed (`.txt.gz`).
"""

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import ClassList
from gspn_tf.files.errors import ScanError, naming_file
from gspn_tf.files.text import decoded, printable, visible_files
from gspn_tf.metrics.judging import Judged
from gspn_tf.metrics.overlaps import InstancePredictions

RESULTS = "semantic_instance_evaluation.txt"  # left there by the benchmark's script
MASKS = "predicted_masks"
NUM_LABELS = 40  # of nyu40; 0 is unlabelled


Labelled = tuple[str, np.ndarray, np.ndarray]  # name, semantic [V], instance [V]


def list_predictions(folder: str | Path) -> dict[str, Path]:
    """Find the file of each scene's predictions, by its name; at least one."""
    found = visible_files(folder, "*.txt")
    paths = [path for path in found if path.name != RESULTS]
    if not paths:
        raise ScanError(f"{folder}: expected a file SCENE.txt a scene")
    return {printable(path.stem): path for path in paths}


def list_truth(folder: str | Path) -> dict[str, Path]:
    """Find the file of each scene's truth, by its name."""
    kinds = ("*.txt.gz", "*.txt")
    paths = [path for kind in kinds for path in visible_files(folder, kind)]
    return {
        printable(path.name.removesuffix(".gz").removesuffix(".txt")): path
        for path in paths
    }


def truth_sha256(truth: Mapping[str, Path]) -> str:
    """SHA-256 of the lines "digest  name" of the files of the truth."""
    paths = truth.values()
    lines = "".join(f"{files.sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256(os.fsencode(lines)).hexdigest()


def predicted(
    scenes: Iterable[Labelled], predictions: Mapping[str, Path], classes: ClassList
) -> Iterator[Judged]:
    """Read the predictions of the scenes that have some; as in the script no others.

    Raises:
      ScanError: of `read_predictions`, or predictions of none of the scenes.
    """
    left = dict(predictions)
    for name, semantic, instance in scenes:
        if path := left.pop(name, None):
            found = read_predictions(path, classes, len(semantic))
            yield Judged(name, found, semantic, instance)
    for path in left.values():
        raise ScanError(f"{path}: no such scene in the truth")


def read_truth(path: str | Path, classes: ClassList) -> tuple[np.ndarray, np.ndarray]:
    """Read class row 1..C (0 = void) and object number of every vertex, [V] each.

    Raises:
      ScanError: not one integer a line.
    """
    ids = _integer_lines(Path(path), _read(Path(path)))
    return classes.to_rows(ids // 1000), ids


def read_predictions(
    path: str | Path, classes: ClassList, num_points: int
) -> InstancePredictions:
    """Read the instances of a scene of `num_points` vertices, masks as bool [V].

    A mask that is listed twice is one instance, as it is listed last.

    Raises:
      ScanError: a malformed line, a confidence that is not finite, a label that
        is neither of `classes` nor of nyu40, or a mask that is missing, outside of the
        folder or not of one integer a vertex.
    """
    path = Path(path)
    listed: dict[Path, tuple[int, float]] = {}
    lines = decoded(_read(path), path).splitlines()
    for number, line in enumerate(lines, start=1):
        mask, label, score = _parse_line(line, f"{path}:{number}", path.parent)
        if not 0 <= label <= NUM_LABELS and label not in classes.raw_ids:
            raise ScanError(
                f"{path}:{number}: label id must be one of nyu40's 0..{NUM_LABELS}, "
                f"got {label}"
            )
        listed[mask] = label, score
    kept = {mask: item for mask, item in listed.items() if item[0] in classes.raw_ids}
    labels, scores = zip(*kept.values(), strict=True) if kept else ((), ())
    return InstancePredictions(
        [_read_mask(mask, num_points) for mask in kept],
        classes.to_rows(np.array(labels, np.int64)),
        np.array(scores, np.float64),
    )


def written(
    scenes: Iterable[Judged], folder: str | Path, classes: ClassList
) -> Iterator[Judged]:
    """Pass scenes on, and write what is found in them to a folder."""
    for judged in scenes:
        write_predictions(folder, judged, classes)
        yield judged


def write_predictions(folder: str | Path, judged: Judged, classes: ClassList) -> None:
    """Write the instances found in a scene; the file that lists them comes last.

    Raises:
      ValueError: a scene's name that is not one word.
    """
    folder, name = Path(folder), judged.name
    if not name or any(letter.isspace() or letter in "/\\" for letter in name):
        raise ValueError(
            f"a scene's name must be one word in the benchmark's files, got {name!r}"
        )
    (folder / MASKS).mkdir(parents=True, exist_ok=True)
    lines = []
    labels = classes.to_raw(judged.found.classes)
    rows = zip(judged.found.masks, labels, judged.found.scores, strict=True)
    for number, (mask, label, score) in enumerate(rows):
        text = np.full((len(judged.semantic), 2), ord("0"), np.uint8)
        text[:, 1] = ord("\n")
        text[mask, 0] = ord("1")
        place = f"{MASKS}/{name}_{number:03d}.txt"
        (folder / place).write_bytes(text.tobytes())
        lines.append(f"{place} {label} {score!s}\n")
    files.write_text(folder / f"{name}.txt", "".join(lines))


def _parse_line(line: str, place: str, folder: Path) -> tuple[Path, int, float]:
    """Read mask, label id and confidence of one line."""
    fields = line.split()
    try:
        name, label, score = fields[0], float(fields[1]), float(fields[2])
        malformed = len(fields) != 3 or label != int(label)
    except (ValueError, IndexError, OverflowError):
        malformed = True
    if malformed:
        raise ScanError(f'{place}: expected "mask label_id confidence", got {line!r}')
    if not math.isfinite(score):
        raise ScanError(f"{place}: confidence must be finite, got {fields[2]}")
    root = os.path.abspath(folder)
    mask = Path(os.path.abspath(os.path.join(root, name)))
    if os.path.isabs(name) or not mask.is_relative_to(root):
        raise ScanError(
            f"{place}: mask must be a relative path inside {folder}, got {name}"
        )
    return mask, int(label), score


def _read_mask(path: Path, num_points: int) -> np.ndarray:
    if not path.is_file():
        raise ScanError(f"mask {path} is missing")
    data = _read(path)
    digits, ends = (np.frombuffer(data, np.uint8)[start::2] for start in (0, 1))
    plain = len(digits) == num_points and (ends == ord("\n")).all()
    if plain and ((digits >= ord("0")) & (digits <= ord("9"))).all():
        return digits != ord("0")  # what masks look like: many times faster
    values = _integer_lines(path, data)
    if len(values) != num_points:
        raise ScanError(
            f"{path}: expected one integer for each of {num_points} vertices, got "
            f"{len(values)}"
        )
    return values != 0


def _integer_lines(path: Path, data: bytes) -> np.ndarray:
    with naming_file(path, "one-integer-a-line", OverflowError, decodes=True):
        return np.array(decoded(data, path).splitlines() or [""], np.int64)


def _read(path: Path) -> bytes:
    """Read a file's bytes, decompressed."""
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    with naming_file(path, "gzip", EOFError, zlib.error):
        return gzip.decompress(data)

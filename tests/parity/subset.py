"""Makes tests/golden of the recorded files: python -m parity.subset, in tests.

A case takes part with exactly the values that it reads, so that it runs on them alone.
Cases that need the network or the points of a scene would be too large.
"""

import io
import lzma
from fnmatch import fnmatchcase

import numpy as np

from parity import (
    detections,
    golden,
    heads,
    layers,
    losses,
    ops,
    regions,
    schedules,
    supervision,
    targets,
)

MODULES = (ops, regions, targets, layers, heads, losses, schedules)
MODULES += (detections, supervision)
CASES = (
    "ops: *",
    "infer_room: proposals",
    "infer_room: detected",
    "spn_match_synth: *",
    "train_spn_synth: eval_objectness",
    "train_spn_synth: eval_centers",
    "train_rpointnet_synth: eval_proposals",
    "train_rpointnet_synth: eval_objectness",
)
LARGE = ("ops: fps_random", "ops: conv2d_transpose_k1_s1", "ops: group_point")


def chosen(case: str) -> bool:
    return case not in LARGE and any(fnmatchcase(case, x) for x in CASES)


def values_read() -> dict[str, dict[str, np.ndarray]]:
    """Of each file, what the cases read."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for module in MODULES:
        for path in golden.files(*module.FILES):
            for case in module.cases(golden.Golden(path)):
                name = f"{golden.name_of(path)}: {case.name}"
                if not chosen(name):
                    continue
                source = golden.Golden(path)
                case.compare(source, golden.Check(name))
                for file, key in source.read:
                    with np.load(path.with_name(f"{file}.npz")) as recorded:
                        found.setdefault(file, {})[key] = recorded[key]
    return found


def write(name: str, values: dict[str, np.ndarray]) -> int:
    """Writes NAME.npz.xz and returns its size in bytes."""
    stream = io.BytesIO()
    np.savez(stream, **dict(sorted(values.items())))
    packed = lzma.compress(stream.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    golden.COMMITTED.mkdir(exist_ok=True)
    (golden.COMMITTED / f"{name}.npz.xz").write_bytes(packed)
    return len(packed)


def main() -> None:
    if golden.folder() == golden.COMMITTED:
        raise FileNotFoundError("GSPN_GOLDEN must name the recorded files")
    sizes = {name: write(name, values) for name, values in values_read().items()}
    for name, size in sorted(sizes.items()):
        print(f"{size:8d}  {name}")
    print(f"{sum(sizes.values()):8d}  in all")


if __name__ == "__main__":
    main()

"""Makes tests/golden of the recorded files: python -m parity.subset, in tests.

A case takes part with exactly the values that it reads, so that it runs on them alone.
Cases that need the network or the points of a scene would be too large.
"""

import io
import lzma
from collections import defaultdict
from fnmatch import fnmatchcase

import numpy as np

from parity import golden
from parity.tables import quick_cases

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


def main() -> None:
    if golden.folder() == golden.COMMITTED:
        raise FileNotFoundError("GSPN_GOLDEN must name the recorded files")
    found: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for path in golden.files():
        for case in quick_cases(path):
            name = f"{golden.name_of(path)}: {case.name}"
            if name not in LARGE and any(fnmatchcase(name, x) for x in CASES):
                source = golden.Golden(path)
                case.compare(source, golden.Check())
                for file, key in source.read:
                    with np.load(path.with_name(f"{file}.npz")) as recorded:
                        found[file][key] = recorded[key]
    for name, values in found.items():
        stream = io.BytesIO()
        np.savez(stream, **dict(sorted(values.items())))
        packed = lzma.compress(stream.getvalue(), preset=9 | lzma.PRESET_EXTREME)
        (golden.COMMITTED / f"{name}.npz.xz").write_bytes(packed)
        print(f"{len(packed):8d}  {name}")


if __name__ == "__main__":
    main()

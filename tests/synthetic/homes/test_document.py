"""The Python block of docs/homes.md runs as it stands."""

import re
from pathlib import Path

import pytest
from PIL import Image
from toy_scenes import make_scene, write_folder

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "homes.md"


def test_the_block_draws_four_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    write_folder("datasets/homes", test=[make_scene(seed) for seed in range(4)])
    exec(block, {})
    with Image.open("homes.png") as picture:
        assert picture.size[0] > 2 * 480 and picture.size[1] > 4 * 360

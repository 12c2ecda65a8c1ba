"""The Python blocks of docs/images.md run as they stand, one after the other."""

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "images.md"


@pytest.mark.slow
def test_the_blocks_run():
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(block, names)  # noqa: S102
    assert names["model"].config.num_channels == 6

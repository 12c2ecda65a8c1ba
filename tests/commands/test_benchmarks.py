"""The ops give what the portable ones give in every case, and the table says so."""

import pytest

from benchmarks import ops
from benchmarks.case import OURS, Timed, checked


@pytest.mark.slow
def test_every_case_is_right_at_full_size():
    for case in ops.cases(scan=None):
        checked(case)


def test_the_table_has_every_library():
    comparisons = [Timed("FPS", OURS, 2.0, 1), Timed("FPS", "fpsample", 3000, 0.5)]
    ours, other = ops.markdown_table([comparisons]).split("\n")[2:]
    assert ours == f"| FPS | {OURS} | yes | 2.000 | 1.00x |"
    assert other == "| FPS | fpsample | 50.00% | 3,000.000 | 1500.00x |"

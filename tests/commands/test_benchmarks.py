"""The benchmarks run, ours gives what the reference gives, and the tables say so."""

from importlib import import_module

import pytest

from benchmarks import inputs, report
from benchmarks.case import OURS, Comparison, Timed, checked
from benchmarks.suite import NAMES, Results


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_case_is_right_at_full_size(name, monkeypatch):
    monkeypatch.setattr(inputs, "LARGEST", 20_000)
    for case in import_module(f"benchmarks.{name}").cases(scan=None):
        checked(case)


def test_the_table_has_every_library_and_the_gain_of_the_cores():
    tables = [
        Results(cores, [Comparison("FPS", [Timed(OURS, ours, 1), other], steady)])
        for cores, ours, other, steady in (
            (1, 2, Timed("fpsample", 3000, 0.5), 0.9),
            (2, 1, Timed("fpsample", 3, None), 0.6),
        )
    ]
    ours, other = report.markdown_table(*tables).split("\n")[2:]
    assert ours == f"| FPS | {OURS} | yes | 2 | 1.00x | 1 | 1.50x |"
    assert other == "| FPS | fpsample | 50.00% | 3,000 | 1500.00x | 3 |  |"

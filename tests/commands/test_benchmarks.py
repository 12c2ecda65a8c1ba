"""The benchmarks run, ours gives what the reference gives, and the tables say so."""

from importlib import import_module

import pytest

from benchmarks import inputs, report
from benchmarks.case import OURS, Comparison, Target, Timed, checked, wait
from benchmarks.suite import NAMES, Results


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_case_is_right_at_full_size(name, monkeypatch):
    monkeypatch.setattr(inputs, "LARGEST", 20_000)
    for case in import_module(f"benchmarks.{name}").cases(scan=None):
        checked(case)


@pytest.mark.parametrize("name", NAMES)
def test_every_op_grows_with_the_points(name):
    scaled = import_module(f"benchmarks.{name}").scaled
    sizes = []
    for count in (800, 1600):
        arrays, run = scaled(count)
        wait(run(*arrays))
        sizes.append(sum(array.shape.num_elements() for array in arrays))
    assert sizes[1] > sizes[0]


def results(ours, exact, other, steady):
    timed = [Timed(OURS, ours, 1), Timed("exact", exact, 1), Timed("fast", other, 0.5)]
    targets = (Target(4, "the same result"), Target(2, "any"), Target(9, "absent"))
    return Results(1, [Comparison("FPS", timed, steady, targets)])


def test_targets_are_set_against_the_fastest_that_counts():
    one, two = results(1, 6, 3, 0.9), results(0.5, 6, 3, 0.6)
    rows = report.targets(one, two).split("\n")[2:]
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert cells[0] == "FPS 1 0.5 1.50x exact 6 6.00x 12.00x 4x".split()
    assert cells[1] == "FPS 1 0.5 1.50x fast 3 3.00x 6.00x 2x".split()
    assert cells[2] == ["FPS", "1", "0.5", "1.50x", *[""] * 4, "9x"]

"""Our numbers are those of the released model, as far as they were recorded."""

import numpy as np
import pytest
from parity import golden
from parity.tables import long_cases, quick_cases

CASES = [
    pytest.param(case, path, id=f"{golden.name_of(path)}-{case.name}", marks=marks)
    for cases_of, marks in ((quick_cases, ()), (long_cases, pytest.mark.slow))
    for path in golden.files()
    for case in cases_of(path)
]


@pytest.mark.parametrize("case, path", CASES)
def test_values_are_those_of_the_release(case, path):
    case.run(path)


@pytest.mark.parametrize("path", golden.files(), ids=golden.name_of)
def test_every_recorded_value_is_compared(path):
    cases = [*quick_cases(path), *long_cases(path)]
    covered = {key for case in cases for key in case.keys}
    left = {key for key in golden.Golden(path).keys() if not golden.not_checked(key)}
    assert not sorted(left - covered)


def test_committed_values_are_few():
    sizes = [path.stat().st_size for path in golden.COMMITTED.iterdir()]
    assert 0 < sum(sizes) < 300_000


@pytest.mark.parametrize(
    "path", sorted(golden.COMMITTED.glob("*.npz.xz")), ids=golden.name_of
)
def test_committed_values_are_the_recorded_ones(path):
    recorded = golden.folder() / path.name.removesuffix(".xz")
    if not recorded.exists():
        pytest.skip(f"{recorded} is not there")
    values, whole = golden.Golden(path), golden.Golden(recorded)
    for key in values.keys():
        np.testing.assert_array_equal(values[key], whole[key])

"""Settings of the tests with random calls.

GSPN_FUZZ_CALLS is the number of calls per test (default 25; 10000 for a release).
"""

import os

from clouds import KINDS, Inputs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

fuzz = settings(
    max_examples=int(os.environ.get("GSPN_FUZZ_CALLS", 25)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 2**20)


@st.composite
def random_inputs(draw, extreme=True):
    """Inputs below and above the sizes from which a tree is searched.

    extreme: of any scale, and with coordinates that are denormal or not finite.
    """
    return Inputs(
        draw(st.sampled_from(KINDS)),
        draw(st.integers(0, 2)),
        draw(st.integers(0, 90) | st.integers(500, 600)),
        draw(st.integers(0, 20) | st.integers(60, 80)),
        draw(SEEDS),
        draw(SEEDS),
        draw(st.sampled_from([1, 1, 1e-3, 1e-20, 1e15, 1e19])) if extreme else 1,
        draw(st.sampled_from([0, 0, 0.01, 0.5])) if extreme else 0,
    )

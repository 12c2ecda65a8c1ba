"""Settings of the tests with random calls.

GSPN_FUZZ_CALLS is the number of calls per test (default 25; 10000 for a release).
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

fuzz = settings(
    max_examples=int(os.environ.get("GSPN_FUZZ_CALLS", 25)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 2**20)

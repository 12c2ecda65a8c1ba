"""Times the ops beside other libraries, as far as they are installed."""

import os
from argparse import Namespace
from collections.abc import Sequence

from benchmarks import boxes, features, search
from benchmarks.case import Case, Timed, compare
from gspn_tf.commands.command import write_metrics
from gspn_tf.training.run_folder import versions


def cases(scan: str | None) -> list[Case]:
    """Collect the cases of all ops."""
    return [*search.cases(scan), *features.cases(scan), *boxes.cases(scan)]


def markdown_table(comparisons: Sequence[Sequence[Timed]]) -> str:
    """Every library in every case, ours first."""
    rows = [["op", "library", "same result", "ms", "ratio"], ["---"] * 5]
    for timed in comparisons:
        for case, library, milliseconds, same in timed:
            ratio = f"{milliseconds / timed[0].milliseconds:.2f}x"
            rows.append([case, library, _same(same), f"{milliseconds:,.3f}", ratio])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _same(share: float | None) -> str:
    if share is None:
        return "other kind"
    return "yes" if share == 1 else f"{min(share, 0.9999):.2%}"


def main(flags: Namespace) -> None:
    """Do `gspn benchmark ops --peers`."""
    # Threads of a library that wait for its next call keep no core from the others.
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
    environment = versions()
    print("{cpu}, {cpu_count} cores".format(**environment))
    comparisons = [compare(case, flags.repeats) for case in cases(flags.scan)]
    print(f"\n{markdown_table(comparisons)}")
    rows = [timed._asdict() for found in comparisons for timed in found]
    write_metrics(flags, {"environment": environment, "comparisons": rows})

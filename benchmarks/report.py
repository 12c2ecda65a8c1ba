"""The table of the results, in Markdown."""

from benchmarks.suite import Results


def markdown_table(one: Results, all_cores: Results) -> str:
    """Every library in every case: on one core, beside ours, and on all cores."""
    n = all_cores.cores
    header = ["op", "library", "same result", "1 core, ms", "ratio"]
    rows = [[*header, f"{n} cores, ms", "gain"], ["---"] * 7]
    for case, wide in zip(one.cases, all_cores.cases, strict=True):
        ours, gain = case.timed[0].milliseconds, f"{case.steady / wide.steady:.2f}x"
        for timed, spread in zip(case.timed, wide.timed, strict=True):
            ratio = f"{timed.milliseconds / ours:.2f}x"
            times = [_number(timed.milliseconds), ratio, _number(spread.milliseconds)]
            rows.append([case.name, timed.library, _same(timed.same), *times, gain])
            gain = ""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _same(share: float | None) -> str:
    if share is None:
        return "other kind"
    return "yes" if share == 1 else f"{min(share, 0.9999):.2%}"

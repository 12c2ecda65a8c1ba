"""The tables of the results, in Markdown."""

from benchmarks.case import Comparison, Target, Timed
from benchmarks.suite import COUNTS, Growth, Results


def markdown_table(header: list[str], rows: list[list]) -> str:
    """Aligned columns."""
    cells = [header, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    lines = [
        " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))
        for row in cells
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _same(share: float | None) -> str:
    if share is None:
        return "other kind"
    return "yes" if share == 1 else f"{min(share, 0.9999):.2%}"


def fastest(case: Comparison, target: Target) -> Timed | None:
    """The library that the target speaks of, or None where none is installed."""
    chosen = [
        timed
        for timed in case.timed[1:]
        if target.against == "any"
        or (target.against == "the same result" and timed.same == 1)
        or timed.library.startswith(target.against)
    ]
    return min(chosen, key=lambda timed: timed.milliseconds, default=None)


def targets(one: Results, all_cores: Results) -> str:
    """Every case; its targets, and the speed-up by the cores."""
    rows = []
    for case, wide in zip(one.cases, all_cores.cases, strict=True):
        ours, ours_wide = case.timed[0].milliseconds, wide.timed[0].milliseconds
        gain = f"{case.steady / wide.steady:.2f}x"
        times = [_number(ours), _number(ours_wide), gain]
        for target in case.targets or (None,):
            row = [case.name, *times, *[""] * 4, f"{target.times:g}x" if target else ""]
            if target and (other := fastest(case, target)):
                spent = {t.library: t.milliseconds for t in wide.timed}[other.library]
                ratios = [other.milliseconds / ours, spent / ours_wide]
                row[4:6] = [other.library, _number(other.milliseconds)]
                row[6:8] = [f"{ratio:.2f}x" for ratio in ratios]
            rows.append(row)
    n = all_cores.cores
    header = ["op", "ours, 1 core, ms", f"{n} cores, ms", "gain", "against", "ms"]
    header += ["ratio, 1 core", f"ratio, {n} cores", "wanted"]
    return markdown_table(header, rows)


def libraries(one: Results, all_cores: Results) -> str:
    """Every library in every case."""
    rows = []
    for case, wide in zip(one.cases, all_cores.cases, strict=True):
        ours = case.timed[0].milliseconds
        for timed, spread in zip(case.timed, wide.timed, strict=True):
            ratio = f"{timed.milliseconds / ours:.2f}x"
            times = [_number(timed.milliseconds), ratio, _number(spread.milliseconds)]
            rows.append([case.name, timed.library, _same(timed.same), *times])
    n = all_cores.cores
    header = ["op", "library", "same result", "1 core, ms", "ratio", f"{n} cores, ms"]
    return markdown_table(header, rows)


def scaling(
    one: list[Growth],
    all_cores: list[Growth],
    memory: list[tuple[float, float]],
    cores: int,
) -> str:
    """Times on all cores by the number of points, the gain by them, and memory."""
    rows = [
        [
            entry.name,
            *map(_number, entry.milliseconds),
            f"{entry.exponent:.2f}",
            f"{alone.milliseconds[-1] / entry.milliseconds[-1]:.2f}x",
            _number(megabytes),
            f"{times_needed:.2f}x",
        ]
        for alone, entry, (megabytes, times_needed) in zip(
            one, all_cores, memory, strict=True
        )
    ]
    header = ["op", *[f"{count:,}, ms" for count in COUNTS], "exponent"]
    header += [f"gain of {cores} cores", "peak, MB", "of inputs and outputs"]
    return markdown_table(header, rows)

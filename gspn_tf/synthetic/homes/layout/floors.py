"""The floor of a plan in strips: to be built, and to be walked on."""

import numpy as np

from gspn_tf.synthetic.homes.layout.outlines import FloorPlan, Opening, Rect, Wall

Trapezoid = tuple[float, float, float, float, float, float]


def trapezoids(outline: np.ndarray, step: float | None = None) -> list[Trapezoid]:
    """Cut the inside of an outline into level strips.

    Args:
        outline: [N, 2] corners.
        step: strips are no higher than this, metres; None = as high as can be.

    Returns:
        (left, right) x at the lower y, (left, right) at the upper y, and the two y.
    """
    rows = np.unique(outline[:, 1].round(6))
    if step is not None:
        parts = [
            np.linspace(a, b, int((b - a) / step) + 2) for a, b in neighbours(rows)
        ]
        rows = np.unique(np.concatenate(parts))
    ends = np.roll(outline, -1, axis=0)
    out: list[Trapezoid] = []
    for y0, y1 in neighbours(rows):
        low, high = np.minimum(outline, ends)[:, 1], np.maximum(outline, ends)[:, 1]
        crossing = (low < (y0 + y1) / 2) & (high > (y0 + y1) / 2)
        a, b = outline[crossing], ends[crossing]
        slope = (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
        lower, upper = (a[:, 0] + (y - a[:, 1]) * slope for y in (y0, y1))
        order = np.argsort(lower + upper)
        for left, right in zip(order[::2], order[1::2], strict=True):
            xs = (lower[left], lower[right], upper[left], upper[right])
            x0, x1, x2, x3, y2, y3 = (float(v) for v in (*xs, y0, y1))
            out.append((x0, x1, x2, x3, y2, y3))
    return out


def neighbours(rows: np.ndarray) -> list[tuple[float, float]]:
    """Return each number [N] with the one after it."""
    return [(float(a), float(b)) for a, b in zip(rows[:-1], rows[1:], strict=True)]


def walkable(plan: FloorPlan) -> np.ndarray:
    """Return rectangles [N, 4] of floor, also through doors, see `things`."""
    out: list[Rect] = []
    for space in plan.spaces:
        outline = space.outline.round(2)
        sides = np.abs(np.roll(outline, -1, axis=0) - outline).min(axis=1)
        step = None if sides.max() < 0.05 else 0.25
        for x0, x1, x2, x3, y0, y1 in trapezoids(outline, step):
            left, right = max(x0, x2), min(x1, x3)
            out.append((left, y0, right, y1))
    for wall in plan.walls:
        out = _without(out, wall)
    out = [r for r in out if r[2] - r[0] > 0.1 and r[3] - r[1] > 0.04]
    for opening in plan.openings:
        if opening.low < 0.1:
            half = np.array([opening.width / 2 - 0.05, 0.4])
            cos, sin = abs(np.cos(opening.angle)), abs(np.sin(opening.angle))
            if min(cos, sin) < 0.05 and _joins(plan, opening):
                reach = half if cos > sin else half[::-1]
                low, high = opening.at - reach, opening.at + reach
                out.append((low[0], low[1], high[0], high[1]))
    return np.array(out, float)


def _without(rects: list[Rect], wall: Wall) -> list[Rect]:
    """Cut an upright or level wall out of rectangles."""
    if np.abs(wall.end - wall.start).min() > 0.05:
        return rects
    ends = np.stack([wall.start, wall.end])
    spread = 0.05 * (np.ptp(ends, axis=0) > 0.05)
    half = (wall.thickness / 2 - 0.02) * (np.ptp(ends, axis=0) <= 0.05) - spread
    (left, below), (right, above) = ends.min(axis=0) - half, ends.max(axis=0) + half
    out: list[Rect] = []
    for x0, y0, x1, y1 in rects:
        if left >= x1 or right <= x0 or below >= y1 or above <= y0:
            out.append((x0, y0, x1, y1))
            continue
        low, high = float(max(y0, below)), float(min(y1, above))
        parts = [
            (x0, y0, x1, low),
            (x0, high, x1, y1),
            (x0, low, float(left), high),
            (float(right), low, x1, high),
        ]
        out += [r for r in parts if r[2] > r[0] and r[3] > r[1]]
    return out


def _joins(plan: FloorPlan, opening: Opening) -> bool:
    """Whether there is a room at both sides of an opening."""
    across = np.array([-np.sin(opening.angle), np.cos(opening.angle)])
    sides = np.array([-0.4, 0.4])[:, None] * across + opening.at
    return bool((plan.space_at(sides) >= 0).all())

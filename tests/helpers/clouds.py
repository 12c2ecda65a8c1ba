"""Random point clouds and boxes for the tests of the ops."""

import numpy as np

KINDS = ["random", "grid", "same", "bad"]
EXTREMES = [0, -0.0, 1e-45, -1e-39, 1e-20, 3e38, -3e38, np.inf, -np.inf, np.nan]


def make_points(kind, batch, count, seed=0):
    """Clouds with no ties, many ties, one place only, or non-finite coordinates."""
    rng = np.random.default_rng([seed, batch, count])
    points = rng.uniform(-2, 2, (batch, count, 3)).astype(np.float32)
    if kind == "grid":
        points = np.round(points * 2) / 2
    if kind == "same":
        points[:] = points[:, :1]
    if kind == "bad":
        wrong = rng.random((batch, count)) < 0.3
        points[wrong, 0] = rng.choice([np.nan, np.inf, -np.inf, 1e30], wrong.sum())
    return points


def make_boxes(rng, batch, count):
    centers = rng.uniform(-2, 2, (batch, count, 3))
    sizes = rng.uniform(0, 3, (batch, count, 3))
    return np.concatenate([centers, sizes], -1).astype(np.float32)


def room(count, seed=0):
    """Points on four walls and a floor, a few of them far away."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 3)) * [6, 5, 3]
    wall = rng.integers(0, 5, count)
    for side, (axis, at) in enumerate([(0, 0), (0, 6), (1, 0), (1, 5), (2, 0)]):
        points[wall == side, axis] = at
    points[::1000] *= 5
    return points[None].astype(np.float32)


class Inputs:
    """One random batch of clouds with its padding, and all else that ops take.

    Args:
        kind: one of KINDS.
        batch: clouds.
        count: points of each, with padding.
        queries: queries, boxes or rows of indices of each.
        seed: of all random numbers.
        variant: chooses attributes of the ops.
        scale: metres of a unit.
        extremes: share of coordinates that are denormal, huge or not finite.
    """

    def __init__(
        self, kind, batch, count, queries, seed=0, variant=0, scale=1.0, extremes=0.0
    ):
        self.kind, self.batch, self.num_queries = kind, batch, queries
        self.variant, self.scale, self.extremes = variant, scale, extremes
        self.rng = np.random.default_rng([seed, batch, count, queries])
        self.points, self.queries = self.cloud(count), self.cloud(queries)
        self.num_points, self.num_real_queries = (
            self.counts(count),
            self.counts(queries),
        )

    def choose(self, values):
        """One of some attributes."""
        return values[self.variant % len(values)]

    def floats(self, *shape):
        """Normally distributed numbers."""
        return self.rng.normal(size=shape).astype(np.float32)

    def rows(self, count, *shape):
        """Indices of so many rows; without any row they are 0."""
        return self.rng.integers(0, max(count, 1), shape).astype(np.int32)

    def counts(self, count):
        """Real points of each cloud; of every second batch all in the first cloud."""
        counts = self.rng.integers(0, count + 1, self.batch).astype(np.int32)
        if self.rng.random() < 0.5:
            counts[:1] = count
        return counts

    def cloud(self, count):
        """Points, some of them twice."""
        seed = self.rng.integers(2**20)
        points = make_points(self.kind, self.batch, count, seed)
        twice = self.rng.integers(0, max(count, 1), count)
        points = np.where(self.rng.random((count, 1)) < 0.2, points[:, twice], points)
        with np.errstate(over="ignore", invalid="ignore"):
            points = points * np.float32(self.scale)
        return self.spoil(points, self.extremes, EXTREMES)

    def boxes(self, count):
        """Boxes, some of them twice, some without volume, infinite or wrong."""
        boxes = make_boxes(self.rng, self.batch, count)
        boxes[:, ::9, 3:] = 0
        boxes[:, 3::5] = boxes[:, 2::5][:, : boxes[:, 3::5].shape[1]]
        return self.spoil(boxes, 0.02, [np.nan, np.inf, -1, 0])

    def spoil(self, values, share, others):
        """Puts others in the place of a share of the values."""
        wrong = self.rng.random(values.shape) < share
        values[wrong] = self.rng.choice(others, wrong.sum())
        return values

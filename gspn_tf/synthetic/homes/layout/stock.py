"""Models to choose from, by class and size."""

from collections.abc import Sequence

import numpy as np

from gspn_tf.synthetic.homes.layout.placing import Rng
from gspn_tf.synthetic.homes.things import Model, Size, Thing

_ANY: Size = (99.0, 99.0, 99.0)
_NONE: Size = (0.0, 0.0, 0.0)


class Stock:
    """Models of furniture and clutter, found by kind and size.

    Args:
        models: all that may be used.
    """

    def __init__(self, models: Sequence[Model]):
        self._rows: dict[str, list[int]] = {}
        self.models = list(models)
        self.sizes = np.array([m.size for m in self.models], float).reshape(-1, 3)
        self.elevations = np.array([m.elevation for m in self.models], float)
        for row, model in enumerate(self.models):
            kind = "clutter" if model.role == "clutter" else model.kind
            self._rows.setdefault(kind, []).append(row)

    def named(self, name: str) -> Model | None:
        """Return the model of a name, None without one."""
        return next((model for model in self.models if model.name == name), None)

    def rows(self, kinds: str | Sequence[str]) -> np.ndarray:
        """Return the rows [N] of models of some kinds; "clutter" is one kind."""
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return np.array(
            [row for kind in kinds for row in self._rows.get(kind, [])], int
        )

    def pick(
        self, rng: Rng, kinds: str | Sequence[str], low: Size = _NONE, high: Size = _ANY
    ) -> Model | None:
        """Draw a model of some kinds whose size lies between two; None without one."""
        rows = self.rows(kinds)
        sizes = self.sizes[rows]
        rows = rows[((sizes >= low) & (sizes <= high)).all(axis=1)]
        return self.models[int(rng.choice(rows))] if len(rows) else None

    def near(
        self, rng: Rng, kinds: Sequence[str], size: Size, of: int, high: Size = _ANY
    ) -> Model | None:
        """Draw one of the `of` models nearest in size, no larger than `high`."""
        rows = self.rows(kinds)
        rows = rows[(self.sizes[rows] <= high).all(axis=1)]
        if not len(rows):
            return None
        ratio = np.maximum(self.sizes[rows], 0.01) / np.maximum(size, 0.01)
        rows = rows[np.argsort(np.abs(np.log(ratio)).sum(axis=1), kind="stable")[:of]]
        return self.models[int(rng.choice(rows))]


def resized(rng: Rng, size: Size) -> Size:
    """Stretch a size by a factor of 0.9 to 1.1, and each side by a little more."""
    factors = rng.uniform(0.94, 1.06) * rng.uniform(0.96, 1.04, 3)
    w, d, h = (float(v) for v in np.array(size) * factors)
    return w, d, h


def stand(
    rng: Rng,
    model: Model,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
    angle: float = 0.0,
    size: Size | None = None,
    tint: tuple[float, ...] | None = None,
) -> Thing:
    """Make a thing of a model: of a size, else stretched a little; of a tint, else any.

    Half of the things that are given no tint keep their colours.
    """
    size = size or resized(rng, model.size)
    drawn = tuple(rng.uniform(0.7, 1.25, 3)) if rng.random() < 0.5 else (1.0, 1.0, 1.0)
    red, green, blue = (float(v) for v in tint or drawn)
    mirrored = bool(rng.random() < 0.5)
    return Thing(model, at, float(angle), size, (red, green, blue), mirrored)

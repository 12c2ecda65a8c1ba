"""A bare room to take pictures of."""

import numpy as np


def open_room(num_points=20_000):
    """A floor and four walls, 4 x 3 x 2 metres; which surface each point is on."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (num_points, 3)) * [4, 3, 2]
    surface = rng.integers(0, 5, num_points)
    for number, (axis, value) in enumerate([(2, 0), (0, 0), (0, 4), (1, 0), (1, 3)]):
        points[surface == number, axis] = value
    return points, surface

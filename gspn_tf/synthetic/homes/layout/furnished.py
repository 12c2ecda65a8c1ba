"""Furnishes rooms: random ones, and those of example homes with other furniture.

A way through it: `outlines` draws walls, `openings` cuts doors and windows, `plans`
says what each kind of room needs, `arranging` and `fitments` group it, `placing` finds
where it fits, `strewing` adds clutter, and `shells` builds the walls.
"""

from collections.abc import Sequence

import numpy as np

from gspn_tf.synthetic.homes.layout.example_homes import HomePlan
from gspn_tf.synthetic.homes.layout.floors import walkable
from gspn_tf.synthetic.homes.layout.openings import open_walls
from gspn_tf.synthetic.homes.layout.outlines import random_plan
from gspn_tf.synthetic.homes.layout.placing import Ground, Group, Rng
from gspn_tf.synthetic.homes.layout.plans import ARRANGEMENTS, RECIPES, draw_group
from gspn_tf.synthetic.homes.layout.refurnishing import refurnish
from gspn_tf.synthetic.homes.layout.shells import build_shell
from gspn_tf.synthetic.homes.layout.stock import Stock
from gspn_tf.synthetic.homes.layout.strewing import strew
from gspn_tf.synthetic.homes.things import FurnishedRoom, Model

FEWEST, MOST = 15, 60
"""Pieces of furniture of a home, clutter apart; a home of small baths has fewer."""

_CLUTTER = 160
_TRIES = 60
_DRAWS = 3


def furnish_home(
    rng: Rng, models: Sequence[Model], homes: Sequence[HomePlan] = ()
) -> FurnishedRoom:
    """Draw a furnished room, or several that are joined by doors.

    Half of the rooms are those of `homes`, if there are any, with other furniture. Of
    the others, half hold what their kind of room usually does and half a mixture of all
    of ScanNet's classes in equal shares.

    Args:
        rng: all randomness.
        models: furniture and clutter to choose from.
        homes: rooms of example homes, see `read_example_homes`.
    """
    stock = Stock(models)
    if homes and rng.random() < 0.5:
        shares = np.array([1.0 + len(home.pieces) for home in homes])
        home = homes[int(rng.choice(len(homes), p=shares / shares.sum()))]
        plan, ground = refurnish(rng, home, stock)
        kind, grounds, fresh = home.kind, [ground], len(home.pieces) < 4
    else:
        plan = random_plan(rng, broken=bool(rng.random() < 0.5))
        grounds = [Ground(*space, plan.height) for space in plan.spaces]
        open_walls(rng, plan, grounds, stock)
        kind, fresh = " and ".join(space.kind for space in plan.spaces), True
    share = 1 / sum(ground.area for ground in grounds)
    for ground in grounds:
        part = ground.area * share
        _furnish(rng, ground, stock, (FEWEST * part, MOST * part), fresh)
    for ground in grounds:
        strew(rng, ground, stock, round(_CLUTTER * ground.area * share))
    shell = build_shell(rng, plan, ceiling=bool(rng.random() < 0.5))
    things = [thing for ground in grounds for thing in ground.things]
    return FurnishedRoom(kind, shell, things, walkable(plan), plan.height)


def _furnish(
    rng: Rng, ground: Ground, stock: Stock, bounds: tuple[float, float], fresh: bool
) -> None:
    """Put what a kind of room needs, if it is fresh, then more until it is full."""
    few, most = bounds
    wanted = min(max(ground.area * float(rng.uniform(0.6, 1.4)), few + 1), most)
    names = [
        name
        for name, (low, high) in RECIPES[ground.kind].items()
        for _ in range(rng.integers(low, high + 1) if fresh else 0)
    ]
    for name in names:
        for _ in range(_DRAWS):
            if _put(rng, ground, ARRANGEMENTS[name](rng, stock), most):
                break
    for _ in range(_TRIES):
        if _pieces(ground) >= wanted:
            break
        _put(rng, ground, draw_group(rng, stock, ground.kind), most)


def _put(rng: Rng, ground: Ground, group: Group, most: float) -> bool:
    """Put a group if it fits, also into the number of pieces; say whether it did."""
    fits = _pieces(ground) + len(group.things) <= most
    return fits and bool(ground.put(rng, group))


def _pieces(ground: Ground) -> int:
    return sum(thing.model.role != "clutter" for thing in ground.things)

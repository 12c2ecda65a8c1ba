"""The paper's figures by number; imports nothing, so that a command can list them."""

from typing import NamedTuple

ROOMS, SHAPES, VIEWS = ("rooms", "scannet"), ("parts", "partnet"), ("views", "nyuv2")


class Design(NamedTuple):
    """A Design says what a figure shows; the last fields are chosen by who draws it."""

    title: str
    kinds: tuple[str, ...]  # of the data that it shows in the paper
    scenes: int  # by default
    width: int  # pixels of one picture, by default
    classes: bool = False  # whether semantic results too
    seed: int = 0  # of the points that the networks see
    seed_point: str | None = None  # figure 7: see `seed_place`


DESIGNS = {
    "3": Design("Context features and predicted centres", ROOMS, 1, 480),
    "5": Design("Instances and classes", ROOMS, 4, 400, True),
    "6": Design("Part instances", SHAPES, 4, 300),
    "7": Design("Proposals at one seed", ROOMS, 8, 480),  # the first with a chair
    "8": Design("Instances of rooms", ROOMS, 6, 400),
    "9": Design("Part instances", SHAPES, 8, 300),
    "10": Design("Instances of single views", VIEWS, 6, 400),
}

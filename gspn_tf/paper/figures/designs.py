"""The paper's figures by number; imports nothing, so that a command can list them."""

from typing import NamedTuple


class Design(NamedTuple):
    """A Design says what a figure shows; the last fields are chosen by who draws it."""

    title: str
    scenes: int  # by default
    width: int  # pixels of one picture, by default
    classes: bool = False  # whether semantic results too
    seed: int = 0  # of the points that the networks see
    seed_point: list[float] | None = None  # figure 7: see `seed_place`


DESIGNS = {
    "3": Design("Context features and predicted centres", 1, 480),  # of rooms
    "5": Design("Instances and classes", 4, 400, True),  # of rooms
    "6": Design("Part instances", 4, 300),  # of shapes
    "7": Design("Proposals at one seed", 8, 480),  # the first room with a chair
    "8": Design("Instances of rooms", 6, 400),
    "9": Design("Part instances", 8, 300),  # of shapes
    "10": Design("Instances of single views", 6, 400),
}

"""Three ways to propose a box at a seed: around a shape, from anchors, by segments."""

"""Generative designs: from the surroundings of a seed to the shape of its object."""

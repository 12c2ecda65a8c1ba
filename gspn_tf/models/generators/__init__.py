"""Generative designs: from what surrounds a seed to the shape of its object."""

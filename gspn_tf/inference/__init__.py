"""A scan becomes instances on its every point, in Python and on servers.

Imports from `models`, `training`, `data`, `visualize` and below.
"""

"""All that reproduces one paper: its tables, its figures and the released weights.

Imports from `evaluation` and below.
"""

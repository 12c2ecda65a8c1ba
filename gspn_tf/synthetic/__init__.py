"""Data that the project makes itself: furnished rooms, views of them, shapes of parts.

Imports from `datasets` and below.
"""

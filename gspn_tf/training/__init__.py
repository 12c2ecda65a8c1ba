"""Scenes become weights: the two stages, their schedules, and the folder of a run.

Imports from `models`, `data` and below.
"""

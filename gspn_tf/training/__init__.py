"""Scenes become weights: the stages, their schedules, and the folder of a run.

`loop` trains, `schedules` has what the step determines, `callbacks` records, and
`run_folder` has the files. Imports from `models`, `data` and below.
"""

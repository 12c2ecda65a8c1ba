"""The raw files of other data sets become scenes, and scenes become a data folder.

Imports from `training`, `data`, `files` and below.
"""

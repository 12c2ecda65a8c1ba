"""Predictions and truth become numbers, reports and the files of a benchmark.

Imports from `inference`, `datasets`, `metrics`, `visualize` and below.
"""

"""The image side of the paper: features of pixels, and instances in images.

`batches`, `lifting` and what follows them are where it meets frames of depth cameras.
Imports from `data`, `models.base` and below. Images are [B, H, W, C], colours first,
0..255; pixel (0, 0) is the upper left one.
"""

"""The image side of the paper: features of pixels, and instances in images.

Imports from `models.base` and below. Images are [B, H, W, C], colours first, 0..255;
pixel (0, 0) is the upper left one.
"""

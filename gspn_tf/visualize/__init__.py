"""Looking at clouds: colours, still pictures, an interactive page, charts, a report.

palette    colours of classes, instances and features
surface    how large points are drawn, and which of them are walls
raster     a depth buffer: which point each pixel shows
render     pictures of clouds, with boxes and dots
sheet      pictures side by side, under titles
layers     the ways in which a page colours its points
page       one HTML file to turn and to click
charts     lines over axes
report     one HTML file of numbers, tables and figures
templates  the pages' HTML, style sheets and scripts

Imports from `files` alone. Modules are imported one by one, since matplotlib (sheet,
charts) and jinja2 (page, report) take time to load.
"""

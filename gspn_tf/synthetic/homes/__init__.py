"""Virtual scans: homes of freely licensed furniture, scanned as ScanNet was.

A way through it: `things` says what a room is; `furniture` is what there is to choose
from; `layout` furnishes a room with it; `scanner` walks a camera through, fuses what it
saw and labels the mesh; `generating` does all of it for a seed.
"""

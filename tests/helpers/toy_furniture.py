"""A library of furniture made by hand, as Sweet Home 3D's are."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gspn_tf.synthetic.homes.furniture.catalogue import read_catalogue

ARMCHAIR = "Blend Swap CC-0#armchair"
OBJ = """\
mtllib armchair.mtl
v 0 0 0
v 2 0 0
v 2 0 4
v 0 0 4
v 0 1 0
v 2 1 0
v 2 1 4
v 0 1 4
vt 0 0
vt 1 0
vt 1 1
usemtl red
f 1 2 3 4
f 5 6 7 8
usemtl glass
f 1 2 6 5
usemtl cloth
f 3/1 4/2 8/3
"""
MTL = """\
newmtl red
Kd 1 0 0
newmtl glass
Kd 0 0 1
d 0.2
newmtl cloth
Kd 1 1 1
map_Kd cloth.png
"""


def write_library(folder: Path, **changes: bytes) -> Path:
    image = io.BytesIO()
    Image.fromarray(np.full((300, 8, 3), (10, 200, 30), np.uint8)).save(image, "png")
    catalogue = f"id#1={ARMCHAIR}\nmodelRotation#1=1 0 0 0 1 0 0 0 1\n"
    row = read_catalogue()[ARMCHAIR]
    inside = Path(row.path).parent
    contents = {
        "PluginFurnitureCatalog.properties": catalogue.encode(),
        row.path: OBJ.encode(),
        f"{inside}/armchair.mtl": MTL.encode(),
        f"{inside}/cloth.png": image.getvalue(),
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "BlendSwap-CC-0.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path

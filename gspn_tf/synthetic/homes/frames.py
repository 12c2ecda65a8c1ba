"""Frames of a virtual scan in ScanNet's exported layout.

NAME/NAME.ply                 the mesh: colours, semantic, instance, faces
NAME/color/0.jpg              640 x 480
NAME/depth/0.png              millimetres, 16 bits, 0 = none
NAME/pose/0.txt               4 x 4, world from camera, as the tracker reports it
NAME/label-filt/0.png         ids of classes, 16 bits    NAME/instance-filt/0.png
NAME/intrinsic/               intrinsic_color.txt, intrinsic_depth.txt, extrinsic_*
"""

from pathlib import Path

import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.synthetic.homes.generating import Home, labels_on_disk, scene_of
from gspn_tf.synthetic.homes.scanner.camera import Camera
from gspn_tf.synthetic.homes.scanner.sensor import measured_depth
from gspn_tf.synthetic.homes.scanner.view import view_room

CAMERA = Camera(640, 480)
_FARTHEST = 5.0  # metres


def write_scan(folder: Path, home: Home, name: str, seed: int, frames: int) -> None:
    """Write the mesh of a scan and some of its frames; the folder appears whole.

    Args:
        folder: of all scans.
        home: drawn.
        name: of the scan and of its folder.
        seed: of the errors of the frames.
        frames: spread evenly over the walk; 0 = the mesh alone.
    """
    scene = scene_of(home, name)
    with files.replacing(folder / name) as scan:
        scan.mkdir()
        _write_mesh(scan / f"{name}.ply", scene, home.scan.faces)
        if frames:
            for part in ("color", "depth", "pose", "label-filt", "instance-filt"):
                (scan / part).mkdir()
            _write_intrinsics(scan / "intrinsic")
        rng = np.random.default_rng([seed, frames])
        walked = len(home.scan.true)
        for number, row in enumerate(np.linspace(0, walked - 1, frames).astype(int)):
            _write_frame(scan, number, rng, home, scene, row)


def _write_mesh(path: Path, scene: Scene, faces: np.ndarray) -> None:
    import trimesh

    mesh = trimesh.Trimesh(
        scene.points,
        faces,
        vertex_colors=scene.colors,
        vertex_attributes={**labels_on_disk(scene)},
        process=False,
    )
    mesh.export(path)


def _write_intrinsics(folder: Path) -> None:
    folder.mkdir()
    inside = np.eye(4)
    inside[0, 0] = inside[1, 1] = CAMERA.focal
    inside[:2, 2] = (CAMERA.width - 1) / 2, (CAMERA.height - 1) / 2
    for kind in ("color", "depth"):
        np.savetxt(folder / f"intrinsic_{kind}.txt", inside, "%.6f")
        np.savetxt(folder / f"extrinsic_{kind}.txt", np.eye(4), "%.6f")


def _write_frame(
    scan: Path,
    number: int,
    rng: np.random.Generator,
    home: Home,
    scene: Scene,
    row: int,
) -> None:
    from PIL import Image

    color, depth, owner = render(rng, home, row)
    labels = np.append(_of_things(scene.semantic, home), 0)
    instances = np.append(_of_things(scene.instance + 1, home), 0)
    Image.fromarray(color).save(scan / "color" / f"{number}.jpg", quality=92)
    images = {
        "depth": np.rint(depth * 1000),
        "label-filt": SCANNET.to_raw(labels[owner]),
        "instance-filt": instances[owner],
    }
    for part, image in images.items():
        Image.fromarray(image.astype(np.uint16)).save(scan / part / f"{number}.png")
    pose = np.eye(4)
    believed = home.scan.believed[row]
    columns = home._replace(offset=np.zeros(3)).placed(believed[:3, :3].T)
    pose[:3, :3], pose[:3, 3] = columns.T, home.placed(believed[:3, 3])
    np.savetxt(scan / "pose" / f"{number}.txt", pose, "%.6f")


def render(
    rng: np.random.Generator, home: Home, row: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render a frame of the walk.

    Returns:
        Colours [H, W, 3] uint8, measured depth [H, W] metres, 0 = none, and the row
        [H, W] of the room's things that a pixel is on, -1 = none.
    """
    world, pose = home.world, home.scan.true[row]
    view = view_room(world, CAMERA, pose[None])
    distance = np.where(view.met, view.hits.distance, 0)[:, None]
    at = pose[:3, 3] + view.along * distance
    light = world.colors(view.hits.face, view.hits.inside, at) * view.met[:, None]
    levels = home.scan.exposure.levels(light) + rng.normal(0, 3, light.shape)
    measured = measured_depth(rng, view.depth, view.cosine, view.loses, _FARTHEST)[0]
    color = np.clip(levels, 0, 255).astype(np.uint8).reshape(*measured.shape, 3)
    owner = np.where(view.met, world.owner[view.hits.face], -1)
    return color, measured, owner.reshape(measured.shape)


def _of_things(values: np.ndarray, home: Home) -> np.ndarray:
    """Return the value that the vertices of each thing have, 0 where it has none."""
    of_thing = np.zeros(len(home.room.things), np.int32)
    mine = home.scan.owner >= 0
    of_thing[home.scan.owner[mine]] = values[mine]
    return of_thing

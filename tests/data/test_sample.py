"""The scan that ships with the package."""

import numpy as np

import gspn_tf as gspn
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import check_scene
from gspn_tf.datasets.own import read_labelled_scan
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.scans import read_scan


def test_sample_is_a_small_labelled_scan():
    path = gspn.data.sample_scan()
    assert path.stat().st_size <= 1_000_000
    scan = read_scan(path)
    scene = read_labelled_scan(SceneSource("home", (path,)), SCANNET)
    check_scene(scene, len(SCANNET))
    np.testing.assert_array_equal(scene.points, scan.points)
    np.testing.assert_array_equal(scene.colors, scan.colors)
    names = {SCANNET.names[row - 1] for row in scene.instance_classes()}
    assert {"sofa", "table", "chair", "bookshelf", "picture", "cabinet"} <= names
    assert scene.num_instances == 25

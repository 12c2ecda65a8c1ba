"""The benchmark's files: figures of what they hold, and errors that name them."""

import json
import os
from pathlib import Path

import naive_ap
import numpy as np
import pytest
from random_scans import write_scan

from gspn_tf import cli
from gspn_tf.data.classes import SCANNET
from gspn_tf.metrics import InstancePredictions, Judged, evaluate, submission


def evaluated(folder):
    pairs = submission.find_scenes(folder / "predictions", folder / "truth")
    return evaluate(submission.read_scenes(pairs, SCANNET), SCANNET.names)


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_naive_reading_of_the_files(tmp_path, seed):
    rng = np.random.default_rng(seed)
    names = [f"scene{row:04d}_00" for row in range(10)]
    for name in names:
        write_scan(tmp_path, name, rng)
    files = [
        (tmp_path / "predictions" / f"{name}.txt", tmp_path / "truth" / f"{name}.txt")
        for name in names
    ]
    scenes = [naive_ap.read_scene(*pair) for pair in files]
    found = evaluated(tmp_path)
    expected = naive_ap.table(scenes, naive_ap.LABELS, 100)
    columns = np.stack(list(found.result.by_class.values()), axis=1)
    np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-12)
    means = [found.result.ap, found.result.ap50, found.result.ap25]
    np.testing.assert_allclose(means, np.nanmean(expected, axis=0), rtol=0, atol=1e-12)
    _, alone = found.scenes[3]
    expected = naive_ap.table(scenes[3:4], naive_ap.LABELS, 100)
    columns = np.stack(list(alone.by_class.values()), axis=1)
    np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-12)

"""The benchmark's files: figures of what they hold, and errors that name them."""

import gzip
import os
from pathlib import Path

import naive_ap
import numpy as np
import pytest
from random_scans import write_scan

from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.evaluation import submission
from gspn_tf.metrics import (
    InstancePredictions,
    Judged,
    average_precision,
    evaluate_scenes,
)
from gspn_tf.metrics.judging import constant_scores

REAL = Path(
    os.environ.get("GSPN_TF_DATA", Path(__file__).parents[3] / "shared" / "data"),
    "scannet_eval/gt",
)


def deep(seeds):
    """Cases that every change need not see."""
    return [pytest.param(seed, marks=pytest.mark.slow) for seed in seeds]


def read(folder):
    pairs = submission.find_scenes(folder / "predictions", folder / "truth")
    return submission.read_pairs(pairs.items(), SCANNET)


def write_scans(folder, seed, count):
    """Random scans; they as the naive reader sees them."""
    rng = np.random.default_rng(seed)
    names = [f"scene{row:04d}_00" for row in range(count)]
    for name in names:
        write_scan(folder, name, rng)
    kinds = (folder / "predictions", folder / "truth")
    return [naive_ap.read_scene(*(kind / f"{n}.txt" for kind in kinds)) for n in names]


def assert_equal(result, scenes, min_size=100):
    expected = naive_ap.table(scenes, naive_ap.LABELS, min_size)
    columns = np.stack(list(result.by_class.values()), axis=1)
    np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-12)
    means = [result.ap, result.ap50, result.ap25]
    np.testing.assert_allclose(means, np.nanmean(expected, axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", [*range(5), *deep(range(5, 20))])
def test_equals_the_naive_reading_of_the_files(tmp_path, seed):
    scenes = write_scans(tmp_path, seed, 10)
    found = evaluate_scenes(read(tmp_path), SCANNET.names)
    assert_equal(found.result, scenes)
    assert_equal(found.scenes[3][1], scenes[3:4])


def test_smaller_regions_count_where_that_is_asked_for(tmp_path):
    scenes = write_scans(tmp_path, 99, 3)
    judged = [(s.found, s.semantic, s.instance) for s in read(tmp_path)]
    assert_equal(
        average_precision(judged, SCANNET.names, min_region_size=30), scenes, 30
    )


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no ScanNet ground truth in {REAL}")
def test_real_ground_truth_against_itself(tmp_path):
    paths = sorted(REAL.glob("*.txt.gz"))
    assert len(paths) == 12
    for path in paths:
        semantic, ids = submission.read_truth(path, SCANNET)
        objects = [i for i in np.unique(ids) if i // 1000 in SCANNET.raw_ids]
        found = InstancePredictions(
            [ids == i for i in objects],
            SCANNET.to_rows([i // 1000 for i in objects]),
            np.linspace(0.1, 1, len(objects)),
        )
        name = path.name.removesuffix(".txt.gz")
        submission.write_predictions(
            tmp_path, Judged(name, found, semantic, ids), SCANNET
        )
    pairs = submission.find_scenes(tmp_path, REAL)
    found = evaluate_scenes(
        submission.read_pairs(pairs.items(), SCANNET), SCANNET.names
    )
    assert (found.result.ap, found.result.ap50, found.result.ap25) == (1, 1, 1)
    np.testing.assert_allclose([alone.ap for _, alone in found.scenes], 1, atol=1e-12)
    assert found.result.num_instances.sum() == 82


# ---- written and read again -------------------------------------------------------

CLASSES = ClassList((3, 5, 39), ("cabinet", "chair", "otherfurniture"))


def toy_scene(name="scene0000_00", num_points=30):
    rng = np.random.default_rng(0)
    masks = [rng.random(num_points) < share for share in (0.5, 0.1, 0.0)]
    scores = np.array([0.1 + 0.2, 1e-30, 1.0])
    instance = np.repeat([0, 1, -1], num_points // 3)
    semantic = np.repeat([2, 3, 0], num_points // 3)
    found = InstancePredictions(masks, np.array([2, 3, 1]), scores)
    return Judged(name, found, semantic, instance)


def write_toy(folder, **options):
    scene = toy_scene(**options)
    submission.write_predictions(folder / "predictions", scene, CLASSES)
    submission.write_truth(folder / "truth", scene, CLASSES)
    return scene


def test_written_scenes_are_read_to_the_last_bit(tmp_path):
    scene = write_toy(tmp_path)
    assert sorted(p.name for p in tmp_path.glob("predictions/*.txt")) == [
        "scene0000_00.txt"
    ]
    pair = submission.find_scenes(tmp_path / "predictions", tmp_path / "truth")
    (again,) = submission.read_pairs(pair.items(), CLASSES)
    assert again.name == scene.name
    for a, b in zip(again.found, scene.found, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(again.semantic, scene.semantic)
    truth = (tmp_path / "truth" / "scene0000_00.txt").read_text().split()
    assert truth == ["5001"] * 10 + ["39002"] * 10 + ["0"] * 10


def test_index_masks_are_written_as_boolean_ones(tmp_path):
    scene = toy_scene()
    rows = [np.flatnonzero(mask) for mask in scene.found.masks]
    indexed = scene._replace(found=scene.found._replace(masks=rows))
    submission.write_predictions(tmp_path / "a", scene, CLASSES)
    submission.write_predictions(tmp_path / "b", indexed, CLASSES)
    written = [sorted((tmp_path / k).rglob("*.txt")) for k in "ab"]
    texts = [[path.read_bytes() for path in paths] for paths in written]
    assert len(texts[0]) == 4 and texts[0] == texts[1]


@pytest.mark.parametrize("end, last", [("\n", ""), ("\r\n", "\r\n"), ("\n", "\n")])
def test_ends_of_lines_do_not_matter(tmp_path, end, last):
    write_toy(tmp_path)
    masks = tmp_path / "predictions" / "predicted_masks"
    path = masks / "scene0000_00_000.txt"
    path.write_bytes((end.join(path.read_text().split()) + last).encode())
    (again,) = read(tmp_path)
    np.testing.assert_array_equal(again.found.masks[0], toy_scene().found.masks[0])


def test_too_many_objects_and_names_of_two_words_are_errors(tmp_path):
    scene = toy_scene()
    many = scene._replace(instance=np.full(30, 999))
    with pytest.raises(ValueError, match="instance must be below 999"):
        submission.write_truth(tmp_path, many, CLASSES)
    with pytest.raises(ValueError, match="one word"):
        submission.write_predictions(tmp_path, toy_scene(name="my scan"), CLASSES)


def test_constant_scores_leave_the_releases_own_as_they_are(tmp_path):
    scene = toy_scene()
    scores = np.float32([1, 0.97, 1])
    own = scene._replace(found=scene.found._replace(scores=scores))
    submission.write_predictions(tmp_path, own, CLASSES)
    read = submission.read_predictions(tmp_path / "scene0000_00.txt", CLASSES, 30)
    np.testing.assert_array_equal(read.scores, [1, 0.97, 1])
    changed, kept, again = constant_scores([scene, own, own._replace(found=read)])
    np.testing.assert_array_equal(changed.found.scores, [1, 1, 1])
    assert kept.found.scores is scores and again.found.scores is read.scores


# ---- bad files --------------------------------------------------------------------

LIST = "predictions/scene0000_00.txt"
MASK = "predictions/predicted_masks/scene0000_00_000.txt"
TRUTH = "truth/scene0000_00.txt"
BAD = {
    "expected a file SCENE.txt": lambda d: (d / LIST).unlink(),
    "txt: expected scene0000_00.txt in": lambda d: (d / TRUTH).unlink(),
    "mask .*_000.txt is missing": lambda d: (d / MASK).unlink(),
    "for each of 30 vertices, got 2": lambda d: (d / MASK).write_text("1\n0\n"),
    "for each of 30 vertices, got 31": lambda d: (d / MASK).write_text("1\n" * 31),
    "000.txt must have one": lambda d: (d / MASK).write_text("1\n" * 29 + "x\n"),
    "000.txt must have one integer": lambda d: (d / MASK).write_text("0.5\n" * 30),
    "000.txt must have one integer a": lambda d: (d / MASK).write_text("1 0\n" * 15),
    "000.txt must have one integer a line": lambda d: (d / MASK).write_text(""),
    "0000_00.txt must have": lambda d: (d / TRUTH).write_text("1\n\n1\n"),
    "0000_00.txt must have one": lambda d: (d / TRUTH).write_bytes(b"\xff\xfe\x00"),
    'txt:1: expected "mask label': lambda d: (d / LIST).write_text("a.txt 5\n"),
    'txt:1: expected "mask label_id': lambda d: (d / LIST).write_text("\n"),
    'txt:1: expected "mask label_id conf': lambda d: (d / LIST).write_text("a x 1\n"),
    'expected "mask label_id confidence", got': lambda d: (d / LIST).write_text(
        "a 5.5 1\n"
    ),
    "confidence must be finite, got nan": lambda d: (d / LIST).write_text("a 5 nan\n"),
    "confidence must be finite, got -inf": lambda d: (d / LIST).write_text("a 5 -inf"),
    "one of nyu40's 0..40, got 41": lambda d: (d / LIST).write_text("a 41 1\n"),
    "got ../truth/x.txt": lambda d: (d / LIST).write_text("../truth/x.txt 5 1\n"),
    "must be a relative path inside": lambda d: (d / LIST).write_text("/a/b 5 1\n"),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_file_is_an_error_that_names_it(tmp_path, message):
    write_toy(tmp_path)
    BAD[message](tmp_path)
    with pytest.raises(submission.SubmissionError, match=message):
        list(read(tmp_path))


def test_a_compressed_truth_that_was_cut_short_is_an_error(tmp_path):
    scene = write_toy(tmp_path)
    path = tmp_path / TRUTH
    whole = gzip.compress(path.read_bytes())
    path.unlink()
    path.with_suffix(".txt.gz").write_bytes(whole)
    np.testing.assert_array_equal(next(read(tmp_path)).semantic > 0, scene.semantic > 0)
    path.with_suffix(".txt.gz").write_bytes(whole[:-9])
    with pytest.raises(submission.SubmissionError, match="no whole gzip file"):
        list(read(tmp_path))


def test_a_scene_that_cannot_be_measured_is_named():
    scene = toy_scene()._replace(semantic=np.full(30, 4))
    with pytest.raises(ValueError, match=r"scene0000_00: semantic must lie in 0\.\.3"):
        evaluate_scenes([scene], CLASSES.names)

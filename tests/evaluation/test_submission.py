"""The benchmark's files: figures of what they hold, and errors that name them."""

import gzip

import numpy as np
import pytest

from gspn_tf.data.classes import ClassList
from gspn_tf.evaluation import submission
from gspn_tf.files.errors import ScanError
from gspn_tf.metrics import (
    InstancePredictions,
    Judged,
    evaluate_scenes,
)
from gspn_tf.metrics.judging import constant_scores


def read(folder):
    predictions = submission.list_predictions(folder / "predictions")
    truth = submission.list_truth(folder / "truth").items()
    scenes = ((name, *submission.read_truth(path, CLASSES)) for name, path in truth)
    return submission.predicted(scenes, predictions, CLASSES)


# ---- written and read again -------------------------------------------------------

CLASSES = ClassList((3, 5, 39), ("cabinet", "chair", "otherfurniture"))


def toy_scene(name="scene0000_00"):
    rng = np.random.default_rng(0)
    masks = [rng.random(30) < share for share in (0.5, 0.1, 0.0)]
    masks[1] = np.flatnonzero(masks[1])  # written as the others
    scores = np.array([0.1 + 0.2, 1e-30, 1.0])
    instance = np.repeat([0, 1, -1], 10)
    semantic = np.repeat([2, 3, 0], 10)
    found = InstancePredictions(masks, np.array([2, 3, 1]), scores)
    return Judged(name, found, semantic, instance)


def write_toy(folder):
    scene = toy_scene()
    submission.write_predictions(folder / "predictions", scene, CLASSES)
    (folder / "truth").mkdir()
    ids = np.repeat([5001, 39002, 0], 10)
    np.savetxt(folder / "truth" / "scene0000_00.txt", ids, "%d")
    return scene


def test_written_scenes_are_read_to_the_last_bit(tmp_path):
    scene = write_toy(tmp_path)
    assert sorted(p.name for p in tmp_path.glob("predictions/*.txt")) == [
        "scene0000_00.txt"
    ]
    (again,) = read(tmp_path)
    assert again.name == scene.name
    for mask, expected in zip(again.found.masks, scene.found.masks, strict=True):
        rows = np.flatnonzero(expected) if expected.dtype == bool else expected
        np.testing.assert_array_equal(np.flatnonzero(mask), rows)
    for a, b in zip(again.found[1:], scene.found[1:], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(again.semantic, scene.semantic)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_of_others_are_read_as_the_script_does(tmp_path, end):
    """Any number but 0 is inside; of a mask the last line counts, if of a class."""
    scene = write_toy(tmp_path)
    lines = (tmp_path / MASK).read_text().replace("1", "-3").split()
    (tmp_path / MASK).write_bytes(end.join(lines).encode())
    lines = [f"predicted_masks/scene0000_00_00{row}.txt" for row in (0, 1)]
    with open(tmp_path / LIST, "a") as file:
        file.write(f"{lines[0]} 3 0.25\n{lines[1]} 1 0.5\n")
    truth = (tmp_path / TRUTH).read_text().replace("39002", "1002")
    (tmp_path / TRUTH).write_text(truth)
    (again,) = read(tmp_path)
    np.testing.assert_array_equal(again.found.masks[0], scene.found.masks[0])
    assert again.found.classes.tolist() == [1, 1]
    assert again.found.scores.tolist() == [0.25, 1.0]
    assert again.semantic.tolist() == [2] * 10 + [0] * 20


def test_a_name_of_two_words_is_an_error(tmp_path):
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
BAD = {  # message: the file, and its contents
    "expected a file SCENE.txt": (LIST, None),
    "0000_00.txt: no such scene in the truth": (TRUTH, None),
    "mask .*_000.txt is missing": (MASK, None),
    "for each of 30 vertices, got 31": (MASK, "1\n" * 31),
    "000.txt is not a readable": (MASK, "1\n" * 29 + "x\n"),
    "000.txt is not a readable one": (MASK, "1 0\n" * 15),
    "000.txt is not a readable one-integer-a-line file": (MASK, ""),
    "0000_00.txt is not a readable text": (TRUTH, "\xff\xfe\x00"),
    'txt:1: expected "mask label': (LIST, "a.txt 5\n"),
    'expected "mask label_id confidence", got': (LIST, "a 5.5 1\n"),
    "confidence must be finite, got -inf": (LIST, "a 5 -inf"),
    "one of nyu40's 0..40, got 41": (LIST, "a 41 1\n"),
    "got ../truth/x.txt": (LIST, "../truth/x.txt 5 1\n"),
    "must be a relative path inside": (LIST, "/a/b 5 1\n"),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_file_is_an_error_that_names_it(tmp_path, message):
    write_toy(tmp_path)
    name, content = BAD[message]
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content, "latin-1")
    with pytest.raises(ScanError, match=message):
        list(read(tmp_path))


def test_a_compressed_truth_that_was_cut_short_is_an_error(tmp_path):
    scene = write_toy(tmp_path)
    path = tmp_path / TRUTH
    whole = gzip.compress(path.read_bytes())
    path.unlink()
    path.with_suffix(".txt.gz").write_bytes(whole)
    np.testing.assert_array_equal(next(read(tmp_path)).semantic > 0, scene.semantic > 0)
    path.with_suffix(".txt.gz").write_bytes(whole[:-9])
    with pytest.raises(ScanError, match="is not a readable gzip file"):
        list(read(tmp_path))


def test_a_scene_that_cannot_be_measured_is_named():
    scene = toy_scene()._replace(semantic=np.full(30, 4))
    with pytest.raises(ValueError, match=r"scene0000_00: semantic must lie in 0\.\.3"):
        evaluate_scenes([scene], CLASSES.names)

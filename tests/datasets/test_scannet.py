"""ScanNet: a folder of tiny scans, everything that can be wrong, and a real scan."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from toy_scannet import GROUPS, points_of, write_source

from gspn_tf.commands import main as cli
from gspn_tf.data import read_scenes
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.manifest import read_manifest
from gspn_tf.datasets import scannet
from gspn_tf.datasets.reading import read_source
from gspn_tf.datasets.scannet_labels import read_labels

REAL = Path(os.environ.get("GSPN_TF_DATA", "../shared/data"))


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "scannet"
    write_source(folder)
    return folder


def gspn(source, *arguments) -> int:
    output = source.parent / "data"
    words = ["--source", source, "--output", output, "--jobs", 1, *arguments]
    return cli.main(["prepare", "scannet", *map(str, words)])


def first(source):
    """The first training scan as `prepare` reads it."""
    data = scannet.data_set(source, splits=["train"])
    return read_source(data.read, len(SCANNET), data.splits["train"][0])


def edit(source, suffix: str, change) -> Path:
    """Replace what a JSON file of the first scan holds by change(what it holds)."""
    path = source / "scans" / "scene0000_00" / f"scene0000_00{suffix}"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_from_raw_files_to_shards(source, capsys):
    assert gspn(source) == 0
    text = capsys.readouterr().out
    assert text.count("non-commercial research") == 1
    assert "test 1 scenes (unlabelled)" in text
    manifest = read_manifest(source.parent / "data")
    assert manifest["licence"] == scannet.LICENCE and not manifest["warnings"]
    assert manifest["sources"]["files"] == 3 * 4 + 1
    assert manifest["splits"]["train"]["instances"]["chair"] == 4
    scene = next(read_scenes(source.parent / "data", "train"))
    chair, desk = SCANNET.names.index("chair") + 1, SCANNET.names.index("desk") + 1
    raw = points_of("scene0000_00")
    expected = np.stack([raw[:, 1] + 1, 2 - raw[:, 0], raw[:, 2] - 0.5], axis=1)
    np.testing.assert_allclose(scene.points, expected, atol=1e-6)
    assert scene.colors[:, 0].tolist() == list(range(30))
    np.testing.assert_array_equal(
        scene.semantic, np.repeat([0, chair, desk, chair, chair, 0], 5)
    )
    np.testing.assert_array_equal(scene.instance, np.repeat([-1, 0, 1, 0, 2, -1], 5))
    (test,) = read_scenes(source.parent / "data", "test")
    np.testing.assert_array_equal(test.points, points_of("scene0707_00"))
    assert not test.semantic.any() and (test.instance == -1).all()


def test_splits_and_lists_can_be_chosen(source):
    lists = source.parent / "lists"
    (source / "meta").rename(lists)
    arguments = ("--lists", lists, "--split", "val")
    label_map = lists / "scannetv2-labels.combined.tsv"
    assert gspn(source, *arguments, "--label_map", label_map) == 0
    assert list(read_manifest(source.parent / "data")["splits"]) == ["val"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--split", "trian"], "no scannetv2_trian.txt in"),
        (["--lists", "nowhere"], "no scannetv2_train.txt in nowhere"),
        (["--label_map", "nowhere.tsv"], "nowhere.tsv"),
    ],
)
def test_what_is_missing_around_the_scans_is_named(source, arguments, message, capsys):
    assert gspn(source, *arguments) == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in source.parent.iterdir()] == ["scannet"]


def test_scans_that_are_not_there_are_left_out_on_demand(source, capsys):
    with open(source / "meta" / "scannetv2_val.txt", "a") as file:
        file.write("scene0002_00\n")
    assert gspn(source) == 1
    assert "1 listed scenes have no folder" in capsys.readouterr().err
    assert gspn(source, "--keep-going") == 0
    manifest = read_manifest(source.parent / "data")
    assert manifest["absent"] == {"val": ["scene0002_00"]}
    assert manifest["splits"]["val"]["scenes"] == 1


def test_a_segment_of_two_groups_goes_to_the_later(source):
    """Its nyu40 id goes to the later label; segments of no mesh are passed over."""

    def change(document):
        document["segGroups"][1]["segments"] = [3, 11, 20, 1234]
        empty = {"objectId": 9, "segments": [], "label": "desk"}
        document["segGroups"].append(empty)

    edit(source, ".aggregation.json", change)
    scene = first(source).scene
    desk = SCANNET.names.index("desk") + 1
    assert scene.semantic[10] == desk and scene.instance[10] == 1
    assert scene.num_instances == 3


def test_a_scan_without_alignment_stays_as_it_is(source):
    path = source / "scans" / "scene0000_00" / "scene0000_00.txt"
    path.write_text("colorHeight = 968\n")
    np.testing.assert_array_equal(first(source).scene.points, points_of(path.stem))
    path.unlink()
    np.testing.assert_array_equal(first(source).scene.points, points_of(path.stem))


def test_unknown_labels_are_background_on_demand(source, capsys):
    groups = [GROUPS[0], GROUPS[1] | {"label": "ufo"}, GROUPS[2]]
    edit(source, ".aggregation.json", lambda found: found.update(segGroups=groups))
    assert gspn(source) == 1
    assert "--unknown_labels background" in capsys.readouterr().err
    assert gspn(source, "--unknown_labels=background") == 0
    manifest = read_manifest(source.parent / "data")
    assert "labels ['ufo'] are not in the label map" in manifest["warnings"][0]
    assert manifest["options"]["unknown_labels"] == "background"


@pytest.mark.parametrize(
    "suffix, key, value, message",
    [
        (
            "segs",
            "segIndices",
            [7] * 29,
            "one a vertex of the mesh, must be [30], got [29]",
        ),
        ("segs", "segIndices", [7.5] * 30, "segIndices must be a list of integers"),
        ("segs", "segIndices", [[7], []], "segIndices must be a list of integers"),
        ("segs", "segIndices", None, "expected an object with a list 'segIndices'"),
        ("agg", "segGroups", [{"objectId": 0}], "a group needs an objectId"),
        ("agg", "segGroups", [GROUPS[0] | {"segments": 3}], "must be a list of int"),
        (
            "agg",
            "segGroups",
            [GROUPS[0] | {"objectId": 1 << 40}],
            "objectId below 1048576",
        ),
        ("agg", "segGroups", [GROUPS[0] | {"label": "ufo"}], "labels ['ufo'] are not"),
        ("agg", "segGroups", [GROUPS[0] | {"segments": [8]}], "belongs to another"),
    ],
)
def test_labels_that_do_not_fit_are_named(source, suffix, key, value, message):
    names = {"segs": "_vh_clean_2.0.010000.segs.json", "agg": ".aggregation.json"}
    path = edit(source, names[suffix], lambda document: document.update({key: value}))
    outcome = first(source)
    assert message in outcome.error and str(path) in outcome.error


@pytest.mark.parametrize("text", ["1 0 0", "nan " * 16])
def test_a_broken_alignment_is_named(source, text):
    path = source / "scans" / "scene0000_00" / "scene0000_00.txt"
    path.write_text(f"axisAlignment = {text}\n")
    assert f"{path}: axisAlignment must be 16 finite" in first(source).error


@pytest.mark.parametrize(
    "text, message",
    [
        ("id\tname\n", "expected columns ['nyu40id', 'raw_category']"),
        ("raw_category\tnyu40id\nwall\tone\n", ":2: nyu40id must be a number"),
    ],
)
def test_a_broken_label_map_is_named(tmp_path, text, message):
    (tmp_path / "map.tsv").write_text(text)
    with pytest.raises(ValueError) as error:
        scannet.read_label_map(tmp_path / "map.tsv")
    assert message in str(error.value) and "map.tsv" in str(error.value)


@pytest.mark.skipif(
    not (REAL / "scannet_golden").is_dir(), reason=f"no real scans in {REAL}"
)
def test_a_real_scan_is_what_another_decoder_made_of_it():
    golden = {
        key: np.load(REAL / "scannet_golden" / f"scene0000_00_{key}.npy")
        for key in ("ins_label_all", "sem_label_all", "bbox")
    }
    data = scannet.data_set(REAL / "scannet_raw", splits=["train"], keep_going=True)
    (scan,) = data.splits["train"]
    label_ids = data.read.keywords["label_ids"]
    semantic, objects = read_labels(scan.detail, 81_369, label_ids)
    np.testing.assert_array_equal(semantic, golden["sem_label_all"])
    np.testing.assert_array_equal(objects, golden["ins_label_all"])
    outcome = read_source(data.read, len(SCANNET), scan)
    scene, boxes = outcome.scene, golden["bbox"]
    assert not outcome.warnings and scene.num_instances == len(boxes) == 27
    np.testing.assert_array_equal(scene.semantic, SCANNET.to_rows(semantic))
    for row, box in enumerate(boxes):
        mine = scene.points[scene.instance == row].astype(np.float64)
        low, high = mine.min(axis=0), mine.max(axis=0)
        np.testing.assert_allclose((low + high) / 2, box[:3], rtol=0, atol=1e-6)
        np.testing.assert_allclose(high - low, box[3:6], rtol=0, atol=1e-6)
        assert (semantic[scene.instance == row] == box[6]).all()

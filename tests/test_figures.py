"""The paper's figures: what is computed for them, what is drawn, and the command."""

import dataclasses as dc
import json

import numpy as np
import pytest
from PIL import Image
from test_visualize import VISION, decoded, lab, scene_of
from toy_scenes import CLASSES, make_scene

from gspn_tf import cli, figures
from gspn_tf import config as c
from gspn_tf.data import manifest, write_scenes
from gspn_tf.data.ply import write_ply
from gspn_tf.figures.context import Sensed, center_figures, principal_components, sense
from gspn_tf.figures.drawing import apart
from gspn_tf.figures.galleries import matched_numbers
from gspn_tf.figures.proposals import propose
from gspn_tf.figures.seeds import seed_place
from gspn_tf.run_folder import RunFolder
from gspn_tf.visualize.palette import component_colors

WIDTH = 100


@pytest.fixture(scope="module")
def work(tmp_path_factory, sure_network):
    """Labelled scenes, one of them as a scan too; runs of two, one and no stages."""
    folder = tmp_path_factory.mktemp("figures")
    scenes = [make_scene(seed, 700, num_instances=4) for seed in range(3)]
    scenes = [dc.replace(scene, points=scene.points * 0.3) for scene in scenes]
    write_scenes(folder / "data", "val", scenes, num_shards=1, classes=CLASSES)
    write_ply(folder / "scan.ply", scenes[0].points, scenes[0].colors)
    config = c.Config(
        model=sure_network.config,
        data=c.DataConfig(num_points=256, num_points_inference=256),
    )
    for name, stage in (("run", "rpointnet"), ("half", "gspn"), ("none", None)):
        run = RunFolder(folder / name)
        run.start(config, CLASSES.pairs())
        if stage == "rpointnet":
            sure_network.save_weights(run.weights(stage))
        if stage == "gspn":
            sure_network.proposal_network.save_weights(run.weights(stage))
    return folder


@pytest.fixture(scope="module")
def subjects(work):
    return figures.read_subjects(work / "data", "val", 2)


def draw(work, number, output, *more, given="data", model="run") -> int:
    arguments = ["figure", number, "--model", work / model, "--input", work / given]
    arguments += ["--output", output, "--width", WIDTH, *more]
    return cli.main([str(argument) for argument in arguments])


def error_of(capsys) -> str:
    text = capsys.readouterr().err.strip()
    assert text.startswith("gspn: ") and "\n" not in text, text
    return text


def size_of(path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


# ---- what is computed -------------------------------------------------------------


def test_components_are_those_of_a_singular_value_decomposition():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6)) * [5, 1, 3, 0.1, 0.2, 2] + 7
    found = principal_components(features.astype(np.float32))
    centered = features - features.mean(axis=0)
    _, _, rows = np.linalg.svd(centered, full_matrices=False)
    for column, row in enumerate(rows[:3]):
        row = row if row[np.argmax(np.abs(row))] > 0 else -row
        values = centered @ row
        low, high = np.percentile(values, 2), np.percentile(values, 98)
        expected = np.clip((values - low) / (high - low), 0, 1)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-5)


def test_the_order_of_points_turns_no_component_round():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(200, 5)) * [4, 3, 2, 1, 1]
    order = rng.permutation(200)
    once, again = principal_components(features), principal_components(features[order])
    np.testing.assert_allclose(once[order], again, atol=1e-9)


def test_fewer_components_than_three_and_none_that_vary():
    found = principal_components(np.arange(10.0)[:, None])
    assert found.shape == (10, 3) and (found[:, 1:] == 0.5).all()
    assert (np.diff(found[:, 0]) >= 0).all()
    assert np.isfinite(principal_components(np.ones((4, 5)))).all()


@pytest.mark.parametrize("kind", VISION)
def test_two_components_stay_apart_for_the_colour_blind(kind):
    steps = np.linspace(0, 1, 5)
    grid = np.stack(np.meshgrid(steps, steps, [0.5]), axis=-1).reshape(-1, 3)
    seen = lab(component_colors(grid), VISION[kind])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[np.triu_indices(len(seen), 1)].min() > 3  # a just visible step is 2.3
    lightness = seen[:, 0].reshape(5, 5)  # second component, first component
    assert (np.diff(lightness, axis=1) > 5).all()


def test_component_colors_have_the_lightness_they_say():
    seen = lab(component_colors(np.array([[0, 0.5, 0.5], [1, 0.5, 0.5]])), np.eye(3))
    np.testing.assert_allclose(seen[:, 0], [36, 84], atol=0.6)
    assert component_colors(np.zeros((2, 4, 3))).shape == (2, 4, 3)


def test_center_figures_are_those_of_a_loop(subjects):
    subject = subjects[0]
    rng = np.random.default_rng(2)
    rows = rng.permutation(len(subject.points))[:300]
    centers = rng.normal(size=(300, 3))
    found = center_figures(subject, Sensed(rows, np.zeros((300, 1)), centers, rows))
    distances, own, objects = [], [], {}
    for row, center in zip(rows, centers, strict=True):
        number = subject.instance[row]
        if number < 0:
            continue
        points = subject.points[subject.instance == number].astype(float)
        low, high = points.min(axis=0), points.max(axis=0)
        size = np.sqrt(((high - low) ** 2).sum())
        distances.append(np.linalg.norm(center - (low + high) / 2) / size)
        own.append(np.linalg.norm(subject.points[row] - (low + high) / 2) / size)
        objects.setdefault(number, []).append(distances[-1])
    np.testing.assert_allclose(found.to_truth, np.mean(distances), rtol=1e-6)
    np.testing.assert_allclose(found.of_points, np.mean(own), rtol=1e-6)
    for row in found.objects:
        assert row["points"] == len(objects[row["object"]])
        assert row["class"] == CLASSES.names[row["object"] % 3]
        mean = np.mean(objects[row["object"]])
        np.testing.assert_allclose(row["to_truth"], mean, rtol=1e-6)


def test_centers_that_are_right_lie_at_no_distance(subjects):
    subject = subjects[0]
    rows = np.arange(len(subject.points))
    truth = np.array([subject.box_of(n)[:3] for n in range(4)] + [np.zeros(3)])
    sensed = Sensed(rows, np.zeros((len(rows), 1)), truth[subject.instance], rows)
    found = center_figures(subject, sensed)
    assert found.to_truth < 1e-6 and found.spread < 1e-6 and found.of_points > 0.1
    off = rows[subject.instance < 0]
    with pytest.raises(ValueError, match="has no object among the points seen"):
        center_figures(subject, sensed._replace(rows=off, centers=sensed.centers[off]))


def test_a_network_senses_where_the_scene_stands(work, subjects):
    trained = figures.proposing(work / "run")
    here = sense(trained, subjects[0])
    moved = dc.replace(subjects[0], points=subjects[0].points + np.float32([64, 32, 8]))
    there = sense(trained, moved)
    np.testing.assert_array_equal(here.rows, there.rows)
    np.testing.assert_allclose(there.centers - here.centers, [[64, 32, 8]] * 256, 1e-4)
    np.testing.assert_allclose(there.context, here.context, atol=1e-3)


def test_half_a_run_proposes_as_the_whole(work, subjects):
    whole, half = (
        propose(figures.proposing(work / name), subjects[0]) for name in ("run", "half")
    )
    np.testing.assert_array_equal(whole.rows, half.rows)
    boxes = (each.outputs["proposals"].boxes.numpy() for each in (whole, half))
    np.testing.assert_array_equal(*boxes)


def test_masks_get_the_numbers_of_the_objects_that_they_are():
    instance = np.repeat([-1, 0, 1, 2], 10)
    masks = [
        np.arange(20, 30),  # all of 1
        np.arange(18, 31),  # 1 again, worse
        np.arange(10, 14),  # a part of 0
        np.arange(0, 10),  # of nothing
        np.arange(37, 40),  # less than a third of 2
    ]
    found = matched_numbers(masks, instance)
    # Two left: 3 IoU 10/13 of object 1, taken; 0.3 of object 2 is enough.
    np.testing.assert_array_equal(found, [1, 3, 0, 4, 2])
    assert len(matched_numbers([], instance)) == 0
    np.testing.assert_array_equal(matched_numbers(masks[:1], instance * 0 - 1), [0])


def test_clouds_stand_apart():
    rng = np.random.default_rng(0)
    clouds = [rng.uniform(-1, 1, (50, 3)) * size + 5 for size in (1, 2, 0.5, 1, 3)]
    moved, moves = apart(clouds)
    boxes = [(cloud.min(axis=0)[:2], cloud.max(axis=0)[:2]) for cloud in moved]
    for i, (low, high) in enumerate(boxes):
        for other_low, other_high in boxes[:i]:
            assert (low > other_high).any() or (high < other_low).any()
    np.testing.assert_allclose(moved[1], clouds[1] + moves[1])
    assert not moves[:, 2].any()


def chairs():
    """A chair alone, a chair beside a table, and a table: points and their objects."""
    rng = np.random.default_rng(0)
    unit = rng.uniform(-0.5, 0.5, (900, 3)) + [0, 0, 0.5]
    number = np.arange(900) % 3
    points = unit + np.array([[0, 0, 0], [10, 0, 0], [11.05, 0, 0]])[number]
    return figures.Subject(
        name="chairs",
        points=points.astype(np.float32),
        instance=number,
        semantic=np.array([2, 2, 1])[number],
        classes=("table", "chair"),
    )


def test_the_seed_is_low_on_the_crowded_chair():
    subject = chairs()
    place = seed_place(subject, None, np.arange(900))
    row = np.flatnonzero((subject.points == place).all(axis=1))[0]
    assert subject.instance[row] == 1
    assert 0.05 < place[2] < 0.45
    assert np.linalg.norm(place[:2] - [10, 0]) > 0.5
    only = np.flatnonzero(subject.instance == 2)
    place = seed_place(subject, None, only)
    assert place[0] > 10.5  # no chair is seen: another object


def test_the_scene_with_a_chair_is_chosen(subjects):
    subject = chairs()
    bare = dc.replace(subject, instance=None, semantic=None)
    tables = dc.replace(subject, semantic=np.ones(900, int))
    assert figures.with_a_chair([bare, tables, subject]) is subject
    assert figures.with_a_chair([bare, tables]) is bare


def test_the_seed_is_where_it_is_wanted():
    subject, rows = chairs(), np.arange(900)
    np.testing.assert_array_equal(seed_place(subject, "17", rows), subject.points[17])
    np.testing.assert_allclose(seed_place(subject, "10,0.1,0.5", rows), [10, 0.1, 0.5])
    for wanted, message in (
        ("900", "has no point 900, has 0..899"),
        ("-1", "has no point -1"),
        ("1.5", "has no point 1.5"),
        ("1,2", "must be a number or x,y,z, got '1,2'"),
        ("leg", "must be a number or x,y,z"),
        ("nan", "must be a number or x,y,z"),
        ("inf,0,0", "must be a number or x,y,z"),
        ("50,0,0", "the nearest point of chairs is"),
    ):
        with pytest.raises(ValueError, match=message):
            seed_place(subject, wanted, rows)
    bare = dc.replace(subject, instance=None, semantic=None)
    with pytest.raises(ValueError, match="no truth to choose a seed by"):
        seed_place(bare, None, rows)
    floor = dc.replace(subject, instance=subject.instance * 0 - 1)
    with pytest.raises(ValueError, match="lies on an object"):
        seed_place(floor, None, rows)


# ---- what is drawn ----------------------------------------------------------------


def sheet_size(columns, rows, lines, ratio=0.75, names=True) -> tuple[int, int]:
    """Pixels of a picture of so many panels, with lines of text below."""
    height = round(ratio * WIDTH)
    band = round(0.075 * height)
    across = band * names + columns * (WIDTH + 12) - 12
    below = lines * band + 12 * bool(lines)
    return across, band + rows * (height + 12) - 12 + below


@pytest.fixture(scope="module")
def drawn(work, tmp_path_factory):
    """Figures 3, 5 and 7, once for all tests; 5 and 7 with a second run."""
    folder = tmp_path_factory.mktemp("drawn")
    assert draw(work, "3", folder / "3", "--scenes=2") == 0
    assert draw(work, "5", folder / "5", "--scenes=2", f"--other={work / 'run'}") == 0
    assert draw(work, "7", folder / "7", f"--others={work / 'half'}") == 0
    return folder


@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("3", sheet_size(4, 2, 1)),
        ("5", sheet_size(7, 2, 2)),
        ("7", sheet_size(3, 1, 1, 0.8, False)),
    ],
)
def test_pictures_have_a_panel_for_everything(drawn, number, size):
    assert size_of(drawn / f"{number}.png") == size
    assert len(list(drawn.iterdir())) == 9


@pytest.mark.parametrize("number", ["3", "7"])
def test_figures_are_the_same_each_time(work, drawn, tmp_path, number):
    more = {"3": "--scenes=scene_0,scene_1", "7": f"--other={work / 'half'}"}[number]
    assert draw(work, number, tmp_path / "again.png", more) == 0
    for suffix in (".png", ".html", ".json"):
        first = (drawn / f"{number}{suffix}").read_bytes()
        assert first == (tmp_path / f"again{suffix}").read_bytes()


def panels_of(path, count, margin) -> list[np.ndarray]:
    """The pictures of a sheet's first row."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    lefts = [margin + column * (WIDTH + 12) for column in range(count)]
    return [pixels[9:70, left : left + WIDTH] for left in lefts]


def test_panels_show_different_things(drawn):
    for number, count, margin in (("3", 4, 6), ("5", 4, 6), ("7", 3, 0)):
        panels = panels_of(drawn / f"{number}.png", count, margin)
        twice = number != "3"  # the last two are of the same network
        for i, panel in enumerate(panels[:-1] if twice else panels):
            assert (panel < 250).any(axis=-1).mean() > 0.02
            assert all(np.abs(panel - other).max() > 30 for other in panels[:i])
        if twice:
            np.testing.assert_array_equal(panels[-2], panels[-1])


def test_the_numbers_of_figure_3_are_kept(work, drawn, subjects):
    kept = json.loads((drawn / "3.json").read_text())
    trained = figures.proposing(work / "run")
    for subject, scene in zip(subjects, kept["scenes"], strict=True):
        found = center_figures(subject, sense(trained, subject))
        assert scene["scene"] == subject.name
        assert scene["to_truth"] == found.to_truth
        assert scene["of_points"] == found.of_points
    assert kept["figure"] == 3 and kept["runs"] == [str(work / "run")]


def test_the_page_of_figure_3_has_scenes_and_centres(drawn):
    page = scene_of(drawn / "3.html")
    assert page["total"] == 2 * (700 + 256)
    labels = [layer["label"] for layer in page["layers"]]
    assert labels[1:] == ["Context features", "Predicted centres", "True instances"]
    names = [row["name"] for row in page["layers"][3]["rows"]]
    assert names[:3] == [f"scene_0: {name}" for name in CLASSES.names]
    colors = decoded(page["layers"][1]["colors"], "u1").reshape(-1, 3)
    assert len(colors) == page["total"] and len(np.unique(colors, axis=0)) > 100


def test_pages_hold_every_scene(drawn):
    page = scene_of(drawn / "5.html")
    assert page["total"] == 1400
    labels = [layer["label"] for layer in page["layers"]]
    assert labels[1:3] == ["True instances", "Instances by run"] and len(labels) == 7
    true = decoded(page["layers"][1]["labels"], "<u2")
    assert sorted(set(true)) == list(range(9))  # four instances in each of two scenes
    assert page["layers"][4]["noun"] == "classes"
    kept = json.loads((drawn / "5.json").read_text())
    assert kept["scenes"][0]["true instances"] == 4


def test_pages_hold_every_network(drawn):
    page = scene_of(drawn / "7.html")
    boxes = page["layers"][1]["rows"]
    assert [row["name"] for row in boxes] == ["half", "run"]
    kept = json.loads((drawn / "7.json").read_text())["proposals"]
    first, second = (np.array(row["box"]) for row in boxes)
    np.testing.assert_allclose(first[3:], kept[0]["box"][3:], atol=1e-4)
    assert second[0] - first[0] > first[3] and (first[3:] == second[3:]).all()
    assert (first[3:] > 0).all() and 0 <= kept[0]["iou"] <= 1


def test_scans_are_drawn_without_truth(work, tmp_path):
    scan = work / "scan.ply"
    assert draw(work, "8", tmp_path / "two", scan, given="scan.ply") == 0
    assert size_of(tmp_path / "two.png") == sheet_size(2, 2, 0)
    assert draw(work, "3", tmp_path / "three", given="scan.ply") == 0
    assert size_of(tmp_path / "three.png") == sheet_size(3, 1, 1)
    for name in ("two", "three"):
        layers = scene_of(tmp_path / f"{name}.html")["layers"]
        assert not [layer for layer in layers if "True" in layer["label"]]


def test_what_the_figure_is_not_made_for_is_named(work, tmp_path, capsys):
    path = work / "data" / manifest.NAME
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"data": "parts"}))
    try:
        assert draw(work, "3", tmp_path / "three", "--scenes=1") == 0
    finally:
        path.write_text(text)
    note = "figure 3 is of rooms or scannet in the paper; drawn of parts"
    said = capsys.readouterr().out
    assert f"note: {note}" in said and "of the object's size from the true one" in said
    assert json.loads((tmp_path / "three.json").read_text())["notes"] == [note]


# ---- bad input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "more", "message"),
    [
        ("4", (), "no figure '4'; choose one of: 3, 5, 6, 7, 8, 9, 10"),
        ("3", ("--model={work}/none",), "none has no stage one: no gspn.weights.h5"),
        ("5", ("--model={work}/half",), "half has no trained model"),
        ("3", ("--model={work}/data",), "data is no run folder"),
        ("3", ("--model={work}/nowhere",), "--model: no folder"),
        ("3", ("--other={work}/run",), "--other: figure 3 shows one run"),
        ("5", ("--other={work}/nowhere",), "--other: no folder"),
        ("5", ("--seed_point=3",), "--seed_point is of figure 7"),
        ("7", ("--seed_point=700",), "scene_0 has no point 700, has 0..699"),
        ("7", ("--scenes=2",), "figure 7 is of one scene, got 2"),
        ("7", ("--input={work}/scan.ply", "--scenes=scene_1"), "figure 7 is of one"),
        ("8", ("--scenes=scene_0,nobody",), "val of {work}/data has no scene 'nobody'"),
        ("8", ("--scenes=0",), "--scenes must be at least 1"),
        ("8", ("--scenes=,",), "--scenes must be a number or names"),
        ("8", ("--split=test",), "split must be one of ['val'], got 'test'"),
        ("8", ("--input={work}/nothing",), "no data folder or scan"),
        ("8", ("--input={work}/run",), "manifest.json not found"),
        ("8", ("--input={work}/run/config.json",), "config.json"),
        ("8", ("--scale=0",), "--scale must be positive"),
        ("8", ("--output={out}",), "--output must name a file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    work, tmp_path, capsys, number, more, message
):
    more = [each.format(work=work, out=tmp_path) for each in more]
    assert draw(work, number, tmp_path / "out", *more) in (1, 2)
    assert message.format(work=work) in error_of(capsys)
    assert not list(tmp_path.iterdir())


def test_a_scan_has_no_leg_to_choose(work, tmp_path, capsys):
    assert draw(work, "7", tmp_path / "out", given="scan.ply") == 1
    assert "scan has no truth to choose a seed by" in error_of(capsys)
    assert not list(tmp_path.iterdir())


def test_a_model_without_proposals_is_named(work, monkeypatch):
    config = RunFolder(work / "run").config()
    config.model.kind = "sgpn"
    monkeypatch.setattr(RunFolder, "config", lambda self: config)
    with pytest.raises(ValueError, match="is a run of SGPN, which has no proposal"):
        figures.proposing(work / "run")


def test_files_appear_together_or_not_at_all(work, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr("gspn_tf.figures.drawing.write_page", fail)
    assert draw(work, "3", tmp_path / "three") == 1
    assert "no space left" in error_of(capsys)
    assert not list(tmp_path.iterdir())

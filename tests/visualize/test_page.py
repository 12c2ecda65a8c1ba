"""The HTML page in a real browser: both renderers, layers, mouse, touch and keys."""

import json
import os

import browser
import numpy as np
import pytest
from PIL import Image

from gspn_tf.visualize import (
    ColorLayer,
    Entry,
    InstanceRow,
    LabelLayer,
    PageContent,
    write_page,
)

REQUIRED = os.environ.get("GSPN_REQUIRE_BROWSER") == "1"
pytestmark = pytest.mark.skipif(
    browser.find_chromium() is None and not REQUIRED,
    reason="no Chromium is installed (apt-get install chromium)",
)
LAYERS = [
    "input",
    "semantic",
    "instances",
    "proposals",
    "true-semantic",
    "true-instances",
]


def room(num_points=6000):
    """A floor with two blocks on it, and what was found."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (num_points, 3)) * [4, 3, 0.02]
    instance = rng.integers(-1, 2, num_points)
    for row, corner in enumerate(([0.5, 0.5], [2.5, 1.5])):
        inside = instance == row
        block = rng.uniform(0, 1, (inside.sum(), 3)) * [1, 1, 0.8] + [*corner, 0]
        points[inside] = block
    rows = [
        InstanceRow("chair", 0.9, 1000, [1, 1, 0.4, 1, 1, 0.8]),
        InstanceRow("<b>table</b>", 0.4, 900, [3, 2, 0.4, 1, 1, 0.8]),
    ]
    boxes = np.array([row.box for row in rows] * 3) + rng.normal(0, 0.05, (6, 6))
    return PageContent(
        points=points,
        colors=np.full((num_points, 3), (200, 120, 40), np.uint8),
        class_names=("chair", "table", "sofa"),
        semantic=instance + 1,
        instance=instance,
        instances=rows,
        proposal_boxes=boxes,
        proposal_scores=np.linspace(0.1, 0.9, 6),
        true_semantic=instance + 1,
        true_instance=instance,
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "room.html"
    write_page(path, room(), title="A <room> & more", max_points=5000)
    return path


@pytest.mark.parametrize("renderer", ["webgl", "canvas"])
def test_every_layer_is_drawn(page, renderer):
    seen = browser.tour(page, renderer)
    assert [entry["layer"] for entry in seen] == LAYERS
    for entry in seen:
        assert (entry["errors"], entry["requests"]) == ("0", "0"), entry
        assert entry["points"] == "5000"
        assert 3000 < int(entry["drawn"]) <= 5000  # without the walls that face us
        if renderer == "canvas":
            assert entry["renderer"] == "canvas"
    rows = {entry["layer"]: entry["rows"] for entry in seen}
    assert rows == dict(zip(LAYERS, [0, 2, 2, 6, 2, 2], strict=True))


def test_the_hash_chooses_layer_and_row(page):
    data = browser.open_page(page, "layer=instances&select=1")
    assert data["ready"] == "true" and data["errors"] == "0"
    assert (data["layer"], data["selected"]) == ("instances", "1")
    data = browser.open_page(page, "layer=nonsense&select=99")
    assert data["errors"] == "0"
    assert (data["layer"], data["selected"]) == ("input", "-1")


def test_without_webgl_the_canvas_takes_over(page):
    data = browser.open_page(page, flags=["--disable-3d-apis"])
    assert (data["renderer"], data["errors"], data["points"]) == ("canvas", "0", "5000")


INPUTS = """
const view = document.getElementById("view");
const body = document.body.dataset;
const pointer = (type, id, x, y, more) => view.dispatchEvent(new PointerEvent(
  type, { pointerId: id, clientX: x, clientY: y, bubbles: true, ...more }));
const key = (name, more) => view.dispatchEvent(new KeyboardEvent(
  "keydown", { key: name, bubbles: true, cancelable: true, ...more }));
const slide = (id, value) => {
  document.getElementById(id).value = value;
  document.getElementById(id).dispatchEvent(new Event("input"));
};
const steps = {
  start: () => {},
  turn: () => { pointer("pointerdown", 1, 300, 300);
    pointer("pointermove", 1, 340, 300);
    pointer("pointerup", 1, 340, 300); },
  move: () => { pointer("pointerdown", 1, 300, 300, { shiftKey: true });
    pointer("pointermove", 1, 340, 300); pointer("pointerup", 1, 340, 300); },
  pinch: () => { pointer("pointerdown", 1, 300, 300);
    pointer("pointerdown", 2, 340, 300);
    pointer("pointermove", 2, 420, 300); pointer("pointerup", 2, 420, 300);
    pointer("pointerup", 1, 300, 300); },
  wheel: () => view.dispatchEvent(new WheelEvent(
    "wheel", { deltaY: 120, bubbles: true, cancelable: true })),
  arrow: () => key("ArrowLeft"),
  shift_arrow: () => key("ArrowUp", { shiftKey: true }),
  plus: () => key("+"),
  zero: () => key("0"),
  layer_key: () => key("3"),
  row: () => document.querySelector("#rows button").click(),
  escape: () => key("Escape"),
  cut: () => slide("cut", 0.02),
  uncut: () => slide("cut", 1),
  top: () => document.querySelector("[data-view=top]").click(),
  pick: () => { const [x, y] = [view.clientWidth / 2, view.clientHeight / 2];
    for (const dx of [-60, -90, -120, -150, 60, 90, 120, 150]) {
      if (body.selected !== "-1") return;
      pointer("pointerdown", 1, x + dx, y); pointer("pointerup", 1, x + dx, y); } },
  address: () => { location.hash = "layer=proposals"; },
  score: () => slide("score", 0.5),
};
(async () => {
  const log = {};
  for (const [name, step] of Object.entries(steps)) {
    step();
    await frame();
    const [yaw, pitch, distance, ...target] = body.camera.split(" ").map(Number);
    log[name] = { ...body, yaw, pitch, distance, target: target.join(" "),
      fits: Math.abs(view.width / view.height
        - view.clientWidth / view.clientHeight) < 0.01,
      hash: location.hash };
  }
  body.log = JSON.stringify(log);
})();
"""


@pytest.fixture(scope="module")
def log(page):
    data = browser.open_page(page, script=INPUTS)
    assert "log" in data, data
    return json.loads(data["log"])


def test_mouse_and_touch_move_the_camera(log):
    assert log["turn"]["yaw"] != log["start"]["yaw"]
    assert log["turn"]["target"] == log["start"]["target"]
    assert log["move"]["target"] != log["turn"]["target"]
    assert log["move"]["yaw"] == log["turn"]["yaw"]
    assert log["pinch"]["distance"] < log["move"]["distance"]
    assert log["wheel"]["distance"] > log["pinch"]["distance"]
    assert all(entry["errors"] == "0" and entry["fits"] for entry in log.values())


def test_keys_move_the_camera_and_choose_layers(log):
    assert log["arrow"]["yaw"] != log["wheel"]["yaw"]
    assert log["shift_arrow"]["target"] != log["arrow"]["target"]
    assert log["plus"]["distance"] < log["shift_arrow"]["distance"]
    for value in ("yaw", "pitch", "distance", "target"):
        assert log["zero"][value] == log["start"][value]
    assert log["layer_key"]["layer"] == "instances"


def test_rows_are_selected_and_cleared(log):
    assert log["row"]["selected"] == "0" and "select=0" in log["row"]["hash"]
    assert log["escape"]["selected"] == "-1" and "select" not in log["escape"]["hash"]
    assert log["pick"]["selected"] in ("0", "1")


def test_settings_change_what_is_drawn(log):
    assert int(log["cut"]["drawn"]) < int(log["uncut"]["drawn"])
    assert log["top"]["pitch"] > 1.5
    assert (log["address"]["layer"], log["address"]["boxes"]) == ("proposals", "6")
    assert log["score"]["boxes"] == "3"


def test_pixels_show_the_points(page, tmp_path):
    pictures = {}
    for layer in ("input", "instances"):
        png = tmp_path / f"{layer}.png"
        browser.screenshot(page, f"layer={layer}", png)
        pictures[layer] = np.asarray(Image.open(png).convert("RGB"))[:, :600].astype(
            int
        )
    orange = (pictures["input"] - [200, 120, 40]).__abs__().max(axis=-1) < 40
    assert orange.mean() > 0.03
    blue = (pictures["instances"] - [0, 114, 178]).__abs__().max(axis=-1) < 40
    assert blue.mean() > 0.01
    assert not ((pictures["instances"] - [200, 120, 40]).__abs__().max(-1) < 10).any()


def test_a_page_of_one_point_opens(tmp_path):
    path = tmp_path / "point.html"
    write_page(path, PageContent(points=np.ones((1, 3))), title="one")
    data = browser.open_page(path)
    assert (data["errors"], data["points"], data["layer"]) == ("0", "1", "input")


def test_layers_of_ones_own_are_painted(tmp_path):
    content = room()
    pink, count = (200, 60, 160), len(content.points)
    labels = np.full(count, -1)
    labels[: count // 2] = 0
    entry = Entry("lower half", np.array([0, 90, 200], np.uint8), count // 2)
    layers = [
        ColorLayer("Features", np.full((count, 3), pink, np.uint8)),
        LabelLayer("Halves", labels, [entry], "halves"),
    ]
    bare = PageContent(points=content.points, colors=content.colors, layers=layers)
    page = tmp_path / "own.html"
    write_page(page, bare, title="own", max_points=5000)
    seen = browser.tour(page, "canvas")
    assert [entry["layer"] for entry in seen] == ["input", "layer-1", "layer-2"]
    assert [(e["errors"], e["rows"]) for e in seen] == [("0", 0), ("0", 0), ("0", 1)]
    browser.screenshot(page, "layer=layer-1", tmp_path / "own.png")
    with Image.open(tmp_path / "own.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))[:, :600].astype(int)
    assert (np.abs(pixels - pink).max(axis=-1) < 40).mean() > 0.03

"""The HTML page in a real browser: layers, mouse, touch, keys, and without WebGL."""

import os

import browser
import numpy as np
import pytest
from PIL import Image

from gspn_tf.visualize import page as page_module
from gspn_tf.visualize.layers import Entry, Layer, class_layer, proposal_layer
from gspn_tf.visualize.page import write_page
from gspn_tf.visualize.palette import PALETTE

REQUIRED = os.environ.get("GSPN_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        browser.find_chromium() is None and not REQUIRED,
        reason="no Chromium is installed (apt-get install chromium)",
    ),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A floor with two blocks on it, and what was found."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (6000, 3)) * [4, 3, 0.02]
    labels = rng.integers(-1, 2, 6000)
    for row, corner in enumerate(([0.5, 0.5], [2.5, 1.5])):
        inside = labels == row
        block = rng.uniform(0, 1, (inside.sum(), 3)) * [1, 1, 0.8] + [*corner, 0]
        points[inside] = block
    entries = [
        Entry("chair", PALETTE[0], 1000, 0.9, np.array([1, 1, 0.4, 1, 1, 0.8])),
        Entry("<b>table</b>", PALETTE[1], 900, 0.4, np.array([3, 2, 0.4, 1, 1, 0.8])),
    ]
    boxes = np.array([entry.box for entry in entries] * 3)
    layers = [
        Layer("input", colors=np.full((6000, 3), (200, 120, 40), np.uint8)),
        class_layer("semantic", labels + 1, ("chair", "table", "sofa")),
        Layer("instances", entries, labels),
        proposal_layer(boxes + rng.normal(0, 0.05, (6, 6)), np.linspace(0.1, 0.9, 6)),
    ]
    path = tmp_path_factory.mktemp("page") / "room.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "MAX_POINTS", 5000)
        write_page(path, points, layers, title="A <room> & more")
    return path


STEPS = """
const view = element("view");
const pointer = (type, id, x, y, more) => view.dispatchEvent(new PointerEvent(
  type, { pointerId: id, clientX: x, clientY: y, bubbles: true, ...more }));
const drag = (more) => { pointer("pointerdown", 1, 300, 300, more);
  pointer("pointermove", 1, 340, 300); pointer("pointerup", 1, 340, 300); };
const key = (name, more) => view.dispatchEvent(new KeyboardEvent(
  "keydown", { key: name, bubbles: true, cancelable: true, ...more }));
const slide = (id, value) => {
  element(id).value = value;
  element(id).dispatchEvent(new Event("input"));
};
const steps = {
  start: () => {},
  turn: () => drag(),
  move: () => drag({ shiftKey: true }),
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
      if (look().selected !== null) return;
      pointer("pointerdown", 1, x + dx, y); pointer("pointerup", 1, x + dx, y); } },
  proposals: () => document.querySelector("#layers button:last-child").click(),
  score: () => slide("score", 0.5),
  context: () => { const lost = view.getContext("webgl2").getExtension(
    "WEBGL_lose_context"); lost.loseContext();
    setTimeout(() => lost.restoreContext(), 5); },
};
"""


@pytest.fixture(scope="module")
def log(page):
    log = browser.walk(page, STEPS)
    assert {(seen["errors"], seen["requests"]) for seen in log.values()} == {(0, 0)}
    return log


def test_every_layer_is_drawn(page):
    seen = browser.walk(page)
    assert list(seen) == ["input", "semantic", "instances", "proposals"]
    assert [each["rows"] for each in seen.values()] == [0, 2, 2, 6]
    for layer, each in seen.items():
        assert (each["errors"], each["requests"], each["still"]) == (0, 0, False)
        assert each["layer"] == layer and each["points"] > 0.1
        assert each["text"] == "5,000 of 6,000 points shown (random subset)"
    assert seen["semantic"]["heading"] == "2 classes"
    assert seen["proposals"]["lines"] > seen["instances"]["lines"]


@pytest.mark.parametrize("name, layer", [("instances", "instances"), ("no", "input")])
def test_the_address_chooses_a_layer(page, name, layer):
    seen = browser.walk(page, browser.ONCE, f"layer={name}")["seen"]
    assert (seen["errors"], seen["layer"], seen["selected"]) == (0, layer, None)


def test_a_page_opens_on_the_layer_that_it_is_told(page, tmp_path):
    layers = [Layer("input"), Layer("of me", [Entry("chair")], np.zeros(9, np.int64))]
    points = np.random.default_rng(0).uniform(0, 1, (9, 3))
    write_page(tmp_path / "a.html", points, layers, title="t", opens="of me")
    shown = {"": "of-me", "layer=no": "of-me", "layer=input": "input"}
    for address, layer in shown.items():
        seen = browser.walk(tmp_path / "a.html", browser.ONCE, address)["seen"]
        assert (seen["errors"], seen["layer"]) == (0, layer)


def test_mouse_and_touch_move_the_camera(log):
    assert log["turn"]["yaw"] != log["start"]["yaw"]
    assert log["turn"]["target"] == log["start"]["target"]
    assert log["move"]["target"] != log["turn"]["target"]
    assert log["move"]["yaw"] == log["turn"]["yaw"]
    assert log["pinch"]["distance"] < log["move"]["distance"]
    assert log["wheel"]["distance"] > log["pinch"]["distance"]


def test_keys_move_the_camera_and_choose_layers(log):
    assert log["arrow"]["yaw"] != log["wheel"]["yaw"]
    assert log["shift_arrow"]["target"] != log["arrow"]["target"]
    assert log["plus"]["distance"] < log["shift_arrow"]["distance"]
    for value in ("yaw", "pitch", "distance", "target"):
        assert log["zero"][value] == log["start"][value]
    assert log["layer_key"]["layer"] == "instances"


def test_rows_are_selected_and_cleared(log):
    assert log["row"]["selected"] == "0"
    assert log["escape"]["selected"] is None
    assert log["pick"]["selected"] in ("0", "1")


def test_settings_change_what_is_drawn(log):
    assert log["cut"]["points"] < log["uncut"]["points"]
    assert log["top"]["pitch"] > 1.5
    assert log["proposals"]["layer"] == "proposals"
    assert 0 < log["score"]["lines"] < log["proposals"]["lines"]


def test_a_lost_context_comes_back(log):
    assert log["context"]["points"] == log["score"]["points"]


def shares(png, *colors):
    """How much of a screenshot's left is of each colour."""
    with Image.open(png) as picture:
        pixels = np.asarray(picture.convert("RGB"))[:, :600].astype(int)
    return [(np.abs(pixels - color).max(axis=-1) < 40).mean() for color in colors]


def test_pixels_show_the_points(page, tmp_path):
    for layer in ("input", "instances"):
        browser.screenshot(page, f"layer={layer}", tmp_path / f"{layer}.png")
    orange, blue = [200, 120, 40], PALETTE[0].astype(int)
    assert shares(tmp_path / "input.png", orange)[0] > 0.03
    orange, blue = shares(tmp_path / "instances.png", orange, blue)
    assert blue > 0.01 and orange < 0.001


def test_without_webgl_a_picture_is_shown(page, tmp_path):
    seen = browser.walk(page, browser.ONCE, "", browser.NO_WEBGL)["seen"]
    assert seen == {"errors": 0, "requests": 0, "still": True}
    browser.screenshot(page, "", tmp_path / "still.png", browser.NO_WEBGL)
    assert shares(tmp_path / "still.png", PALETTE[0].astype(int))[0] > 0.01

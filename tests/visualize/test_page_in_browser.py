"""The HTML page in a real browser: layers, mouse, touch, keys, and without WebGL."""

import os

import browser
import pytest
from pages import toy_content

from gspn_tf.visualize import page as page_module
from gspn_tf.visualize.page import write_page

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
    path = tmp_path_factory.mktemp("page") / "room.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "MAX_POINTS", 5000)
        write_page(path, toy_content(6000), title="A <room> & more")
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
  arrow: () => key("ArrowLeft"),
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
  address: () => { location.hash = "layer=proposals"; },
  score: () => slide("score", 0.9),
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
    assert list(seen) == ["input", "semantic", "instances-by-me", "proposals"]
    assert [each["rows"] for each in seen.values()] == [0, 2, 2, 300]
    for layer, each in seen.items():
        assert (each["errors"], each["requests"], each["still"]) == (0, 0, False)
        assert each["layer"] == layer and each["points"] > 0.1
        assert each["text"] == "5,000 of 6,000 points shown (random subset)"
    assert seen["semantic"]["heading"] == "2 classes"
    assert seen["proposals"]["lines"] > seen["instances-by-me"]["lines"]


def test_the_hash_chooses_layer_and_row(page):
    fragment = "layer=instances-by-me&select=1&view=top"
    seen = browser.walk(page, browser.ONCE, fragment)["seen"]
    assert (seen["layer"], seen["selected"]) == ("instances-by-me", "1")
    assert seen["pitch"] > 1.5
    seen = browser.walk(page, browser.ONCE, "layer=nonsense&select=99")["seen"]
    assert (seen["errors"], seen["layer"], seen["selected"]) == (0, "input", None)


def test_mouse_and_touch_move_the_camera(log):
    assert log["turn"]["yaw"] != log["start"]["yaw"]
    assert log["turn"]["target"] == log["start"]["target"]
    assert log["move"]["target"] != log["turn"]["target"]
    assert log["move"]["yaw"] == log["turn"]["yaw"]
    assert log["pinch"]["distance"] < log["move"]["distance"]


def test_keys_move_the_camera_and_choose_layers(log):
    assert log["arrow"]["yaw"] != log["pinch"]["yaw"]
    for value in ("yaw", "pitch", "distance", "target"):
        assert log["zero"][value] == log["start"][value]
    assert log["layer_key"]["layer"] == "instances-by-me"


def test_rows_and_settings_change_what_is_drawn(log):
    assert log["row"]["selected"] == "0" and "select=0" in log["row"]["hash"]
    assert log["escape"]["selected"] is None and "select" not in log["escape"]["hash"]
    assert log["cut"]["points"] < log["uncut"]["points"]
    assert log["top"]["pitch"] > 1.5 and log["pick"]["selected"] in ("0", "1")
    assert log["address"]["layer"] == "proposals"
    assert 0 < log["score"]["lines"] < log["address"]["lines"]
    assert log["context"]["points"] == log["score"]["points"]  # lost and back again


def test_without_webgl_a_picture_is_shown(page):
    seen = browser.walk(page, browser.ONCE, "", browser.NO_WEBGL)["seen"]
    assert seen == {"errors": 0, "requests": 0, "still": True}

"""Headless Chromium for tests of HTML pages."""

import json
import shutil
import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--hide-scrollbars --virtual-time-budget=6000 --window-size=1000,700"
).split()
NO_WEBGL = "--disable-3d-apis"

# Counts errors, keeps what WebGL drew, and lets timers stand in for frames: headless
# Chromium paints a frame or two and stops.
BEFORE = """
window.requestAnimationFrame = (call) => setTimeout(call, 5);
const frame = () => new Promise((done) => setTimeout(done, 20));
let errors = 0;
for (const kind of ["error", "securitypolicyviolation", "unhandledrejection"]) {
  window.addEventListener(kind, () => { errors += 1; });
}
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  return getContext.call(this, kind, { ...options, preserveDrawingBuffer: true });
};
"""

# Says what the page shows: the state of its buttons and the pixels of its canvases.
LOOK = """
const element = (id) => document.getElementById(id);
const inked = (id) => {
  const { width, height } = element(id);
  const copy = new OffscreenCanvas(width, height).getContext("2d");
  copy.drawImage(element(id), 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  return data.filter((value, i) => i % 4 === 3 && value).length / (width * height);
};
const look = () => {
  const pressed = (list) =>
    document.querySelector(`#${list} button[aria-pressed=true]`)?.value ?? null;
  const about = { errors, still: element("still") !== null,
    requests: performance.getEntriesByType("resource")
      .filter((entry) => !entry.name.startsWith("data:")).length };
  if (about.still) return about;
  return { ...about, ...JSON.parse(document.body.dataset.camera),
    layer: pressed("layers"), selected: pressed("rows"),
    points: inked("view"), lines: inked("overlay"),
    text: element("about").textContent, heading: element("heading").textContent,
    rows: document.querySelectorAll("#rows button").length };
};
"""

# Visits every layer by its button.
TOUR = """
const steps = Object.fromEntries([...document.querySelectorAll("#layers button")]
  .map((button) => [button.value, () => button.click()]));
"""

ONCE = "const steps = { seen: () => {} };"

AFTER = """
(async () => {
  const log = {};
  for (const [name, step] of Object.entries(steps)) {
    step();
    await frame();
    log[name] = look();
  }
  document.body.dataset.log = JSON.stringify(log);
})();
"""


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, if any."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def walk(
    page: Path, steps: str = TOUR, fragment: str = "", *flags: str, look: str = LOOK
) -> dict:
    """Look at a page after each of `steps`, JavaScript that defines an object of them.

    fragment: of the page's address. flags: more flags for Chromium. look: JavaScript
    that defines a function of this name, which says what there is to see.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = page.read_text(encoding="utf-8")
        start, end = text.index("<style>"), text.rindex("</body>")
        before, after = f"<script>{BEFORE}</script>", f"<script>{look}{steps}{AFTER}"
        copy = Path(folder) / page.name
        parts = (text[:start], before, text[start:end], after, "</script>", text[end:])
        copy.write_text("".join(parts), "utf-8")
        finder = _BodyFinder()
        finder.feed(_run(copy, fragment, folder, "--dump-dom", *flags))
    if "log" not in finder.data:
        raise AssertionError(f"the script did not run to its end: {finder.data}")
    return json.loads(finder.data["log"])


def screenshot(page: Path, fragment: str, png: Path, *flags: str) -> None:
    """Write a picture of the page."""
    with tempfile.TemporaryDirectory() as folder:
        _run(page, fragment, folder, f"--screenshot={png}", *flags)


def _run(page: Path, fragment: str, folder: str, *flags: str) -> str:
    address = f"{page.resolve().as_uri()}#{fragment}"
    command = [find_chromium(), *FLAGS, f"--user-data-dir={folder}/profile", *flags]
    reply = subprocess.run(
        [*command, address], capture_output=True, text=True, timeout=120, check=True
    )
    return reply.stdout


class _BodyFinder(HTMLParser):
    """Collects the data attributes of <body>."""

    data: dict = {}

    def handle_starttag(self, tag, attrs):
        if tag == "body":
            self.data = {name[5:]: value for name, value in attrs if value is not None}

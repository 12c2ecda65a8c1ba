"""Headless Chromium for tests of the HTML page, and a check of any finished page.

python tests/helpers/browser.py PAGE.html      exit status 1 and a reason if it fails
"""

import json
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--hide-scrollbars --virtual-time-budget=6000 --window-size=1000,700"
).split()

# Headless Chromium paints a frame or two and stops, so timers stand in for frames.
FRAMES = """
window.requestAnimationFrame = (call) => setTimeout(call, 5);
const frame = () => new Promise((done) => setTimeout(done, 20));
"""

# Visits every layer by its button and says what the page reports of each.
TOUR = """
(async () => {
  const body = document.body.dataset;
  const seen = [];
  for (const button of document.querySelectorAll("#layers button")) {
    button.click();
    await frame();
    const rows = document.querySelectorAll("#rows button").length;
    seen.push({ ...body, asked: button.value, rows });
  }
  body.tour = JSON.stringify(seen);
})();
"""


def find_chromium() -> str | None:
    """Path of an installed Chromium, if any."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def open_page(page: Path, fragment: str = "", *, script: str = "", flags=()) -> dict:
    """The data attributes of the page's body after it has drawn.

    `script` runs after the page's own; `flags` are more flags for Chromium.
    """
    with tempfile.TemporaryDirectory() as folder:
        if script:
            page = _with_script(page, script, Path(folder) / page.name)
        reply = _run(page, fragment, folder, "--dump-dom", *flags)
    finder = _BodyFinder()
    finder.feed(reply)
    return finder.data


def screenshot(page: Path, fragment: str, png: Path) -> None:
    """Write a picture of the page."""
    with tempfile.TemporaryDirectory() as folder:
        _run(page, fragment, folder, f"--screenshot={png}")


def tour(page: Path, renderer: str) -> list[dict]:
    """What the page reports of each of its layers, in order."""
    data = open_page(page, f"renderer={renderer}", script=TOUR)
    if "tour" not in data:
        raise AssertionError(f"the page's script did not run to its end: {data}")
    return json.loads(data["tour"])


def _with_script(page: Path, script: str, copy: Path) -> Path:
    text = page.read_text(encoding="utf-8")
    start, end = text.index("<style>"), text.rindex("</body>")
    head, body, tail = text[:start], text[start:end], text[end:]
    first, last = f"<script>{FRAMES}</script>", f"<script>{script}</script>"
    copy.write_text(head + first + body + last + tail, "utf-8")
    return copy


def _run(page: Path, fragment: str, folder: str, *flags: str) -> str:
    address = f"{page.resolve().as_uri()}#{fragment}"
    command = [find_chromium(), *FLAGS, f"--user-data-dir={folder}/profile", *flags]
    reply = subprocess.run(
        [*command, address], capture_output=True, text=True, timeout=120, check=True
    )
    return reply.stdout


class _BodyFinder(HTMLParser):
    """Collects the data attributes of <body>."""

    data: dict

    def __init__(self):
        super().__init__()
        self.data = {}

    def handle_starttag(self, tag, attrs):
        if tag == "body":
            self.data = {name[5:]: value for name, value in attrs if value is not None}


def main(page: Path) -> str | None:
    """Check a page with both renderers; a reason where it fails."""
    if find_chromium() is None:
        return "no Chromium is installed"
    for renderer in ("webgl", "canvas"):
        for seen in tour(page, renderer):
            good = {"errors": "0", "requests": "0", "layer": seen["asked"]}
            if not good.items() <= seen.items() or int(seen["drawn"]) < 1:
                return f"{page} with {renderer}: {seen}"
            print(f"{seen['renderer']:>7} {seen['layer']:<15} {seen['drawn']} points")
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

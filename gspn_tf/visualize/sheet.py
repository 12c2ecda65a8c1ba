"""Pictures put together: columns under titles, rows beside names, a caption below."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from gspn_tf.files import replacing

INK = (27, 31, 36)
GROUND = (255, 255, 255)
GAP = 12  # pixels between pictures

Color = tuple[int, int, int]


class Caption(NamedTuple):
    """What stands below the pictures."""

    text: str = ""
    legend: Sequence[tuple[str, Color]] = ()  # name and colour


def save(path: str | Path, sheet: Image.Image) -> None:
    """Write a PNG, atomically: the same bytes for the same picture."""
    with replacing(path) as beside:
        sheet.save(beside, format="PNG", optimize=True)


def in_columns(
    pictures: Sequence[Image.Image], titles: Sequence[str], columns: int | None
) -> Image.Image:
    """Pictures in rows of `columns`, a title above each when there is any."""
    columns = columns or len(pictures)
    width, height = pictures[0].size
    band = _band(height) if any(titles) else 0
    gap = GAP if len(pictures) > 1 else 0
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) - gap, rows * (height + band + gap) - gap)
    sheet = Image.new("RGB", size, GROUND)
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left = (number % columns) * (width + gap)
        top = (number // columns) * (height + band + gap)
        sheet.paste(picture, (left, top + band))
        _write(sheet, (left + width / 2, top + band / 2), title, 0.55 * band)
    return sheet


def in_rows(
    pictures: Sequence[Sequence[Image.Image]],
    titles: Sequence[str],
    names: Sequence[str],
    caption: Caption,
) -> Image.Image:
    """Rows of pictures under the titles of the columns, each beside its name."""
    width, height = pictures[0][0].size
    band = _band(height)
    margin = band if any(names) else 0
    across = margin + len(titles) * (width + GAP) - GAP
    below = _below(caption, across, band)
    top = band + len(pictures) * (height + GAP) - GAP
    sheet = Image.new("RGB", (across, top + below.height), GROUND)
    for column, title in enumerate(titles):
        middle = margin + column * (width + GAP) + width / 2
        _write(sheet, (middle, band / 2), title, 0.6 * band)
    for row, (line, name) in enumerate(zip(pictures, names, strict=True)):
        upper = band + row * (height + GAP)
        if name:
            strip = Image.new("RGB", (height, band), GROUND)
            _write(strip, (height / 2, band / 2), name, 0.5 * band)
            sheet.paste(strip.rotate(90, expand=True), (0, upper))
        for column, picture in enumerate(line):
            sheet.paste(picture, (margin + column * (width + GAP), upper))
    sheet.paste(below, (0, top))
    return sheet


def _below(caption: Caption, width: int, band: int) -> Image.Image:
    """The legend in as many lines as it needs, and the text under it."""
    font = _font(0.5 * band)
    lines: list[list[tuple[int, str, Color]]] = [[]]
    left = GAP
    for name, color in caption.legend:
        needed = round(band + font.getlength(name)) + GAP
        if left + needed > width and lines[-1]:
            lines.append([])
            left = GAP
        lines[-1].append((left, name, color))
        left += needed
    lines = [line for line in lines if line]
    count = len(lines) + bool(caption.text)
    below = Image.new("RGB", (width, count * band + GAP * bool(count)), GROUND)
    draw = ImageDraw.Draw(below)
    for row, line in enumerate(lines):
        middle = GAP + (row + 0.5) * band
        for left, name, color in line:
            half = 0.28 * band
            place = (left, middle - half, left + 2 * half, middle + half)
            draw.rectangle(place, fill=tuple(color))
            draw.text((left + 0.75 * band, middle), name, INK, font, "lm")
    if caption.text:
        middle = (width / 2, GAP + (len(lines) + 0.5) * band)
        _write(below, middle, caption.text, 0.5 * band)
    return below


def _band(height: int) -> int:
    """Height of a line of text beside pictures of a height."""
    return round(0.075 * height)


def _font(size: float):
    return ImageFont.load_default(size=max(10, size))


def _write(sheet: Image.Image, middle: tuple, text: str, size: float) -> None:
    """Text in the middle of a place, smaller where the sheet is too narrow for it."""
    font = _font(size)
    longest = sheet.width - GAP
    if font.getlength(text) > longest:
        font = _font(size * longest / font.getlength(text))
    ImageDraw.Draw(sheet).text(middle, text, fill=INK, font=font, anchor="mm")

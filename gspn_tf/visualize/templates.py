"""The HTML templates of `assets/`, filled by jinja2, and how values stand in them."""

import base64
import functools
from typing import Any

import jinja2

_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff\xe0": "jpeg"}


def fill(template: str, **values: Any) -> str:
    """Return a template's text with its values, which are escaped."""
    return _environment().get_template(template).render(values)


def cell_text(value: object) -> str:
    """Return a value as a reader wants it: three decimals, a dash for nothing."""
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or None
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def data_address(image: bytes) -> str:
    """Return the address that holds a PNG, JPEG or SVG picture itself."""
    kind = _KINDS.get(image[:4], "svg+xml")
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("gspn_tf.visualize", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"cell_text": cell_text, "data_address": data_address}
    return made

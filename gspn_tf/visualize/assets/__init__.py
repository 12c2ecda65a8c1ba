"""The pages' HTML, style sheets and scripts, and how they are put together."""

import re
from importlib import resources


def text(name: str) -> str:
    """The content of the asset `name`."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def fill(name: str, **parts: str) -> str:
    """The asset `name` with each `{{part}}` replaced, each asset `{{>file}}` included.

    What is put in is not searched again, so a part may hold any text.
    """

    def replacement(match: re.Match) -> str:
        included, part = match.groups()
        return text(included) if included else parts[part]

    return re.sub(r"\{\{(?:>([\w.]+)|(\w+))\}\}", replacement, text(name))

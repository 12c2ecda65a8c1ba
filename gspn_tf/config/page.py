"""The page of all options, docs/configuration.md, from the comments of the schema.

    python -m gspn_tf.config.page docs/configuration.md

The comment of a field is above it, or behind it on the same line.
"""

import dataclasses as dc
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf.config import images, networks, schema

INTRODUCTION = """# Every option

Made by `python -m gspn_tf.config.page docs/configuration.md` from the comments of
`networks.py`, `images.py` and `schema.py` in `gspn_tf/config`; change those. An option
is set by its path, such as `--config.model.min_score=0.7`. The defaults are the
paper's, and [differences.md](differences.md) says where the release and the other
presets differ; those of Mask R-CNN are torchvision's, see [images.md](images.md).
Sections and tables are those of the paper; files are those of the release
(github.com/ericyi/GSPN).
"""
HEADER = ("| option | type | default | meaning |", "|---|---|---|---|")
# The paths of the options of each class.
PLACES: dict[type, str] = {
    networks.RPointNetConfig: "config.model",
    networks.GSPNConfig: "config.model.proposal",
    networks.BackboneConfig: "config.model.proposal.backbone",
    networks.SGPNConfig: "config.model",
    images.MaskRCNNConfig: "config.model",
    schema.DataConfig: "config.data",
    schema.AugmentationConfig: "config.data.augmentation",
    schema.ImageAugmentationConfig: "config.data.images",
    schema.TrainConfig: "config.train",
    schema.StageConfig: "config.train.STAGE",
}


class Option(NamedTuple):
    """A field of the config."""

    name: str
    kind: str
    default: str
    meaning: str


def options_of(cls: type) -> Iterator[Option]:
    """The fields of a dataclass of the schema, each with the comments of its line."""
    fields = {field.name: field for field in dc.fields(cls)}
    comments, first = list[str](), ""
    lines = io.StringIO(inspect.getsource(cls)).readline
    for token in tokenize.generate_tokens(lines):
        if token.type == tokenize.COMMENT:
            comments.append(token.string.lstrip("# "))
        elif token.type == tokenize.NAME:
            first = first or token.string
        elif token.type == tokenize.NEWLINE:  # of a statement: comments above and in it
            if first in fields:
                yield _option(fields[first], " ".join(comments))
            comments, first = [], ""


def _option(field: "dc.Field[Any]", meaning: str) -> Option:
    kind = field.type.__name__ if isinstance(field.type, type) else str(field.type)
    if kind.startswith("typing.Literal["):
        kind = kind.removeprefix("typing.Literal[").removesuffix("]")
    default = "its own" if field.default is dc.MISSING else f"`{field.default!r}`"
    return Option(field.name, kind, default, meaning)


def page() -> str:
    """The text of the page, in Markdown."""
    parts = [INTRODUCTION]
    for cls, place in PLACES.items():
        title = (cls.__doc__ or "").split("\n")[0]
        rows = [
            f"| `{x.name}` | `{x.kind}` | {x.default} | {x.meaning} |"
            for x in options_of(cls)
        ]
        parts += [
            f"## `{place}`: {cls.__name__}\n",
            f"{title}\n",
            "\n".join([*HEADER, *rows]) + "\n",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

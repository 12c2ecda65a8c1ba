"""The page of all options, docs/configuration.md, from the comments of the schema.

    python -m gspn_tf.config.page docs/configuration.md

The comment of a field is above it, or behind it on the same line.
"""

import ast
import dataclasses as dc
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf.config import schema

INTRODUCTION = """# Every option

Made by `python -m gspn_tf.config.page docs/configuration.md` from the comments of
`gspn_tf/config/schema.py`; change those. An option is set by its path, such as
`--config.model.min_score=0.7`. The defaults are the paper's, and
[differences.md](differences.md) says where the release and the other presets differ.
Sections and tables are those of the paper; files are those of the release
(github.com/ericyi/GSPN).
"""
HEADER = ("| option | type | default | meaning |", "|---|---|---|---|")
# The paths of the options of each class.
PLACES: dict[type, str] = {
    schema.RPointNetConfig: "config.model",
    schema.GSPNConfig: "config.model.proposal",
    schema.BackboneConfig: "config.model.proposal.backbone",
    schema.SGPNConfig: "config.model",
    schema.DataConfig: "config.data",
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
    """The fields of a dataclass of the schema."""
    source = inspect.getsource(cls)
    comments = dict(_comments(source))
    (body,) = ast.parse(source).body
    fields: dict[str, dc.Field[Any]] = {field.name: field for field in dc.fields(cls)}
    for node in ast.walk(body):
        if not isinstance(node, ast.AnnAssign):
            continue
        field = fields[ast.unparse(node.target)]
        row, above = node.lineno - 1, list[str]()
        while row in comments and source.splitlines()[row - 1].strip()[:1] == "#":
            above.insert(0, comments[row])
            row -= 1
        rows = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        behind = [comments[row] for row in rows if row in comments]
        nested = field.default is dc.MISSING
        default = "its own" if nested else f"`{field.default!r}`"
        kind = ast.unparse(node.annotation)
        if kind.startswith("Literal["):
            kind = kind.removeprefix("Literal[").removesuffix("]")
        yield Option(field.name, kind, default, " ".join(above + behind))


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Row, from 1, and text of each comment."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


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

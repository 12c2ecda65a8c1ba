"""docs/differences.md says what the configs are, and leaves nothing out."""

import dataclasses as dc
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from gspn_tf import config as c
from gspn_tf.config import loading as config_loading

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "differences.md").read_text()
SETTINGS = (
    "scannet.py:paper",
    "scannet.py:released",
    "scannet.py:released_literal",
    "scannet.py:small",
    "rooms.py:small",
)
CONFIGS = {name: config_loading.load_config(f"configs/{name}") for name in SETTINGS}


class Row(NamedTuple):
    """An option and what the document says that it is."""

    path: str  # such as config.data.sampling
    choices: tuple[str, ...]
    says: dict[str, str]  # value by column, such as `paper`


def tables() -> list[list[list[str]]]:
    """Header and rows of each table, as cells."""
    found = re.findall(r"(?:^\|.*\n)+", TEXT, re.M)
    return [
        [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
        for lines in (table.splitlines() for table in found)
    ]


def options() -> Iterator[Row]:
    """Of the tables that have a column for the option."""
    for header, _, *rows in tables():
        if "option" not in header:
            continue
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            path, *choices = re.findall(r"`([^`]+)`", cells["option"])
            says = {k.strip("`"): v for k, v in cells.items() if k.startswith("`")}
            yield Row(path, tuple(choices), says)


ROWS = list(options())


def settings_of(column: str) -> list[str]:
    """Configs that a column speaks of: `small` is that of either file."""
    return [name for name in SETTINGS if name == column or name.endswith(f":{column}")]


def leaves(config: Any, path: str = "config") -> Iterator[tuple[str, Any]]:
    """Path and value of every field, through all nested configs."""
    for field in dc.fields(config):
        value = getattr(config, field.name)
        if dc.is_dataclass(value):
            yield from leaves(value, f"{path}.{field.name}")
        else:
            yield f"{path}.{field.name}", value


def holder_and_name(path: str) -> tuple[Any, str]:
    """The part of the default config that has the field of a path, and its name."""
    _, *parts, name = path.split(".")
    holder: Any = c.Config()
    for part in parts:
        holder = getattr(holder, part)
    return holder, name


def written(value: Any) -> str:
    """A value as the document has it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def same(text: str, value: Any) -> bool:
    """A float may also be written in full, as 1.0."""
    return text in (written(value), str(value))


def test_tables_are_whole():
    assert len(tables()) >= 8
    for header, _, *rows in tables():
        assert rows
        assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_option_exists_and_its_choices_are_all_there_are(row):
    holder, name = holder_and_name(row.path)
    assert name in {field.name for field in dc.fields(holder)}
    kind = typing.get_type_hints(type(holder))[name]
    choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    assert row.choices == choices


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_values_are_those_of_the_settings(row):
    assert row.says
    for column, text in row.says.items():
        assert settings_of(column)
        for setting in settings_of(column):
            value = dict(leaves(CONFIGS[setting]))[row.path]
            assert same(text, value), f"{setting}: {written(value)}, not {text}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_option_that_a_setting_moves_is_left_out(setting):
    default = dict(leaves(c.Config()))
    moved = {k for k, v in leaves(CONFIGS[setting]) if v != default[k]}
    told = {r.path for r in ROWS if any(setting in settings_of(k) for k in r.says)}
    assert not sorted(moved - told)


def test_paper_is_the_default():
    assert CONFIGS["scannet.py:paper"] == c.Config()


@pytest.mark.parametrize("path", re.findall(r"`((?:\w+/)+[\w.]+\.\w+)`", TEXT))
def test_files_that_are_named_exist(path):
    assert (ROOT / path).exists()

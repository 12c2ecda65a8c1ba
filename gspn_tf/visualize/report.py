"""A self-contained HTML report: numbers, tables and pictures in one file."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gspn_tf.files import write_text
from gspn_tf.visualize.assets import fill


class Figure(NamedTuple):
    """A picture and what it shows."""

    png: bytes | str | Path  # the file's bytes, or where it lies
    caption: str
    description: str = ""  # for who does not see it; default: the caption


class Drawings(NamedTuple):
    """Small drawings side by side, each under its name."""

    items: Sequence[tuple[str, str]]  # name, <svg> element
    caption: str


class Table(NamedTuple):
    """Rows under a header, each named by its first cell; numbers stand at the right."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: bool = False  # whether the last row sums up the others


class Section(NamedTuple):
    """A part of a report under a heading of its own."""

    title: str
    text: str
    parts: Sequence[Figure | Drawings | Table] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report shows, from top to bottom; an empty part is left out."""

    title: str
    summary: str = ""
    numbers: Sequence[tuple[str, object]] = ()  # headline figures: (name, value)
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    sections: Sequence[Section] = ()
    links: Sequence[tuple[str, str]] = ()  # (text, address relative to the report)
    commands: Sequence[str] = ()  # shell lines that made the results
    environment: Sequence[tuple[str, object]] = ()  # versions, machine, seed, time


def write_report(path: str | Path, report: Report) -> None:
    """Write `report` as one HTML page that needs no other file, atomically."""
    body = "\n".join(
        part
        for part in (
            _numbers(report.numbers),
            *(_figure(figure) for figure in report.figures),
            *(_table(table) for table in report.tables),
            *(_section(section) for section in report.sections),
            _links(report.links),
            _commands(report.commands),
            _environment(report.environment),
        )
        if part
    )
    page = fill(
        "report.html",
        title=html.escape(report.title),
        summary=html.escape(report.summary),
        body=body,
    )
    write_text(path, page)


def cell_text(value: object) -> str:
    """A value as a reader wants it: three decimals, a dash for NaN or None."""
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _numbers(numbers: Sequence[tuple[str, object]]) -> str:
    cards = "".join(
        f"<div><dd>{html.escape(cell_text(value))}</dd>"
        f"<dt>{html.escape(name)}</dt></div>"
        for name, value in numbers
    )
    return f'<dl class="numbers">{cards}</dl>' if cards else ""


def _figure(figure: Figure) -> str:
    png = figure.png if isinstance(figure.png, bytes) else Path(figure.png).read_bytes()
    if not png.startswith(b"\x89PNG"):
        raise ValueError(f"the figure {figure.caption!r} must be a PNG picture")
    data = base64.b64encode(png).decode()
    caption = html.escape(figure.caption)
    description = html.escape(figure.description) or caption
    return (
        f'<figure><img alt="{description}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.header)
    *others, last = [_cells(row) for row in table.rows] or [""]
    rows = "".join(f"<tr>{cells}</tr>" for cells in others)
    rows += f'<tr class="total">{last}</tr>' if table.total else f"<tr>{last}</tr>"
    return (
        f'<div class="scroll"><table><caption>{html.escape(table.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _drawings(drawings: Drawings) -> str:
    items = "".join(
        f"<div><h3>{html.escape(name)}</h3>{svg}</div>" for name, svg in drawings.items
    )
    return (
        f'<figure><div class="drawings">{items}</div>'
        f"<figcaption>{html.escape(drawings.caption)}</figcaption></figure>"
    )


def _section(section: Section) -> str:
    kinds = {Figure: _figure, Drawings: _drawings, Table: _table}
    parts = "\n".join(kinds[type(part)](part) for part in section.parts)
    text = f"<p>{html.escape(section.text)}</p>" if section.text else ""
    return f"<h2>{html.escape(section.title)}</h2>{text}\n{parts}"


def _cells(row: Sequence[object]) -> str:
    name, *values = row
    cells = [f'<th scope="row">{html.escape(cell_text(name))}</th>']
    for value in values:
        kind = ' class="number"' if isinstance(value, (int, float)) else ""
        cells.append(f"<td{kind}>{html.escape(cell_text(value))}</td>")
    return "".join(cells)


def _links(links: Sequence[tuple[str, str]]) -> str:
    items = "".join(
        f'<li><a href="{html.escape(address)}">{html.escape(text)}</a></li>'
        for text, address in links
    )
    return f"<h2>Look closer</h2><ul>{items}</ul>" if items else ""


def _commands(commands: Sequence[str]) -> str:
    lines = html.escape("\n".join(commands))
    return f"<h2>Commands</h2><pre>{lines}</pre>" if lines else ""


def _environment(environment: Sequence[tuple[str, object]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f"<td>{html.escape(cell_text(value))}</td></tr>"
        for name, value in environment
    )
    return f"<h2>Environment</h2><table>{rows}</table>" if rows else ""

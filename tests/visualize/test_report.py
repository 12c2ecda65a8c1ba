"""The report, its charts, and values in its cells."""

import io
import re

import numpy as np
from PIL import Image

from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.report import (
    Figure,
    Report,
    ReportTable,
    Section,
    write_report,
)
from gspn_tf.visualize.templates import cell_text, data_address


def png_bytes():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, format="PNG")
    return buffer.getvalue()


def test_report_stands_alone_and_escapes(tmp_path):
    table = ReportTable("AP", ("class", "AP"), [("<i>", 0.25), ("bed", float("nan"))])
    figure = Figure(png_bytes(), 'two <2> "quoted"')
    report = Report(
        title="Rooms <1>",
        summary="What & why",
        numbers=[("AP50", 0.51239), ("rooms", 16)],
        sections=[Section("Results", "In <b>words</b>", [table, figure])],
        links=[("the page", "scan/page.html?a=1&b=2")],
        commands=["make demo SEED=7", "a < b"],
        environment=[("TensorFlow", "2.21"), ("seed", 7)],
    )
    write_report(tmp_path / "report.html", report)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for expected in (
        "<h1>Rooms &lt;1&gt;</h1>",
        "What &amp; why",
        "<dd>0.512</dd><dt>AP50</dt>",
        "<h2>Results</h2>",
        "In &lt;b&gt;words&lt;/b&gt;",
        '<th scope="row">&lt;i&gt;</th><td class="number">0.250</td>',
        '<td class="number">–</td>',
        "two &lt;2&gt;",
        'alt="two &lt;2&gt; &#34;quoted&#34;"',
        data_address(png_bytes()),
        'href="scan/page.html?a=1&amp;b=2"',
        "SEED=7\na &lt; b",
        "<td>2.21</td>",
    ):
        assert expected in text
    assert not re.search(r"https?:|<script|{{|{%", text)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_cells_and_pictures():
    values = (None, float("nan"), [], 0.12345, 1234567, np.float64(2), [1, "text"])
    expected = ["–", "–", "–", "0.123", "1,234,567", "2.000", "1, text"]
    assert [*map(cell_text, values)] == expected
    assert data_address(png_bytes()).startswith("data:image/png;base64,iVBOR")
    assert data_address(b"<?xml").startswith("data:image/svg+xml;base64,")


def test_lines_of_one_label_share_a_style():
    lines = [("training", (2, 1)), ("training", (3, 0.5)), ("validation", (4, 2))]
    lines = [Series(label, (1, 2), y) for label, y in lines]
    canvas = line_charts({"a < b": lines, "none": [Series("IoU", (), ())]}, "x", "y")
    first, second = canvas.axes
    assert first.get_title() == "a < b" and first.get_xlabel() == "x"
    colors = [line.get_color() for line in first.lines]
    assert colors[0] == colors[1] != colors[2]
    assert first.lines[0].get_linestyle() != first.lines[2].get_linestyle()
    np.testing.assert_array_equal(first.lines[1].get_xydata(), [[1, 3], [2, 0.5]])
    assert first.get_ylim()[0] == 0
    texts = [[t.get_text() for t in axes.get_legend().texts] for axes in canvas.axes]
    assert texts == [["training", "validation"], ["IoU: nothing found"]]
    svg = as_svg(canvas)
    assert svg.startswith(b"<?xml") and b"a &lt; b" in svg
    again = line_charts({"a < b": lines, "none": [Series("IoU", (), ())]}, "x", "y")
    assert as_svg(again) == svg

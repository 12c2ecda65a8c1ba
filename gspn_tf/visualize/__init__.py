"""Results to look at: colours, pictures, an interactive page and a report."""

from gspn_tf.visualize.charts import Line, line_chart
from gspn_tf.visualize.curves import precision_recall
from gspn_tf.visualize.layers import BoxLayer, ColorLayer, Entry, LabelLayer
from gspn_tf.visualize.page import InstanceRow, PageContent, write_page
from gspn_tf.visualize.palette import PALETTE, class_colors, instance_colors
from gspn_tf.visualize.raster import View
from gspn_tf.visualize.render import (
    Dots,
    Panel,
    Row,
    render_panels,
    render_png,
    render_rows,
)
from gspn_tf.visualize.report import (
    Drawings,
    Figure,
    Report,
    Section,
    Table,
    cell_text,
    write_report,
)
from gspn_tf.visualize.sheet import Caption

__all__ = [
    "PALETTE",
    "BoxLayer",
    "Caption",
    "ColorLayer",
    "Dots",
    "Drawings",
    "Entry",
    "Figure",
    "InstanceRow",
    "LabelLayer",
    "Line",
    "PageContent",
    "Panel",
    "Report",
    "Row",
    "Section",
    "Table",
    "View",
    "cell_text",
    "class_colors",
    "instance_colors",
    "line_chart",
    "precision_recall",
    "render_panels",
    "render_png",
    "render_rows",
    "write_page",
    "write_report",
]

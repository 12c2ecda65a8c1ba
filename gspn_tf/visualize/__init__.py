"""Results to look at: colours, pictures, an interactive page and a report."""

from gspn_tf.visualize.charts import Line, line_chart
from gspn_tf.visualize.curves import precision_recall
from gspn_tf.visualize.page import InstanceRow, PageContent, write_page
from gspn_tf.visualize.palette import PALETTE, class_colors, instance_colors
from gspn_tf.visualize.render import Panel, View, render_panels, render_png
from gspn_tf.visualize.report import (
    Drawings,
    Figure,
    Report,
    Section,
    Table,
    cell_text,
    write_report,
)

__all__ = [
    "PALETTE",
    "Drawings",
    "Figure",
    "InstanceRow",
    "Line",
    "PageContent",
    "Panel",
    "Report",
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
    "write_page",
    "write_report",
]

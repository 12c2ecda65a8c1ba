"""Results to look at: colours, pictures, an interactive page and a report."""

from gspn_tf.visualize.page import InstanceRow, PageContent, write_page
from gspn_tf.visualize.palette import PALETTE, class_colors, instance_colors
from gspn_tf.visualize.render import Panel, View, render_panels, render_png
from gspn_tf.visualize.report import Figure, Report, Table, write_report

__all__ = [
    "PALETTE",
    "Figure",
    "InstanceRow",
    "PageContent",
    "Panel",
    "Report",
    "Table",
    "View",
    "class_colors",
    "instance_colors",
    "render_panels",
    "render_png",
    "write_page",
    "write_report",
]

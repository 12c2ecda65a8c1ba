"""The paper's figures, drawn of a trained model and scenes (`gspn figure`)."""

from gspn_tf.paper.figures.context import figure_3
from gspn_tf.paper.figures.drawing import Drawing, write
from gspn_tf.paper.figures.galleries import gallery
from gspn_tf.paper.figures.networks import Trained, proposing, whole
from gspn_tf.paper.figures.proposals import figure_7
from gspn_tf.paper.figures.seeds import with_a_chair
from gspn_tf.paper.figures.subjects import Subject, read_subjects

__all__ = [
    "Drawing",
    "Subject",
    "Trained",
    "figure_3",
    "figure_7",
    "gallery",
    "proposing",
    "read_subjects",
    "whole",
    "with_a_chair",
    "write",
]

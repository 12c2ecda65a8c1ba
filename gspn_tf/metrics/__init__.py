"""Measures of a result, on NumPy alone: no TensorFlow is imported here."""

from gspn_tf.metrics.average_precision import InstanceEvaluator, average_precision
from gspn_tf.metrics.judging import PROTOCOLS, Evaluation, Judged, evaluate
from gspn_tf.metrics.overlaps import InstancePredictions
from gspn_tf.metrics.parts import PartEvaluator
from gspn_tf.metrics.results import APResult, Curve
from gspn_tf.metrics.shapes import chamfer_distance, paired_box_iou, proposal_miou

__all__ = [
    "PROTOCOLS",
    "APResult",
    "Curve",
    "Evaluation",
    "InstanceEvaluator",
    "InstancePredictions",
    "Judged",
    "PartEvaluator",
    "average_precision",
    "chamfer_distance",
    "evaluate",
    "paired_box_iou",
    "proposal_miou",
]

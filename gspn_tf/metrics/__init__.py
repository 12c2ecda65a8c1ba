"""Measures of a result, on NumPy alone: no TensorFlow is imported here."""

from gspn_tf.metrics.average_precision import (
    APResult,
    InstanceEvaluator,
    InstancePredictions,
    average_precision,
)
from gspn_tf.metrics.shapes import chamfer_distance, paired_box_iou, proposal_miou

__all__ = [
    "APResult",
    "InstanceEvaluator",
    "InstancePredictions",
    "average_precision",
    "chamfer_distance",
    "paired_box_iou",
    "proposal_miou",
]

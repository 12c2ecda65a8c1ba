"""Average precision of instances, on NumPy alone: no TensorFlow is imported here.

Imports from `masks` and below.
"""

from gspn_tf.metrics.average_precision import InstanceEvaluator, average_precision
from gspn_tf.metrics.judging import PROTOCOLS, Evaluation, Judged, evaluate_scenes
from gspn_tf.metrics.overlaps import APResult, Curve, InstancePredictions
from gspn_tf.metrics.part_precision import PartEvaluator

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
    "evaluate_scenes",
]

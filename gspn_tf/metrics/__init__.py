"""Average precision of instances, on NumPy alone: no TensorFlow is imported here.

Imports from `masks` and below.
"""

from gspn_tf.metrics.average_precision import average_precision as average_precision
from gspn_tf.metrics.judging import PROTOCOLS as PROTOCOLS
from gspn_tf.metrics.judging import Evaluation as Evaluation
from gspn_tf.metrics.judging import Judged as Judged
from gspn_tf.metrics.judging import evaluate_scenes as evaluate_scenes
from gspn_tf.metrics.overlaps import APResult as APResult
from gspn_tf.metrics.overlaps import InstancePredictions as InstancePredictions

"""The ops of the native library in plain TensorFlow, with the very same results.

Each function has the name, arguments and outputs of the native one; `gspn_tf.ops` is
the only door to both. There is no Python in the graph and no op that a stock
TensorFlow lacks; work space is bounded by the points, the pairs of boxes and a block of
queries. Squares below 1.2e-38 m^2 may count as zero: TensorFlow's own kernels flush
them.
"""

from gspn_tf.ops.portable.boxes import gspn_nearest_assign, gspn_sample_in_boxes
from gspn_tf.ops.portable.features import (
    gspn_group_points,
    gspn_nn_distance,
    gspn_three_interpolate,
)
from gspn_tf.ops.portable.sampling import gspn_farthest_point_sample
from gspn_tf.ops.portable.search import gspn_ball_query, gspn_knn
from gspn_tf.ops.portable.suppression import gspn_nms3d

__all__ = [
    "gspn_ball_query",
    "gspn_farthest_point_sample",
    "gspn_group_points",
    "gspn_knn",
    "gspn_nearest_assign",
    "gspn_nms3d",
    "gspn_nn_distance",
    "gspn_sample_in_boxes",
    "gspn_three_interpolate",
]

"""The ops of the native library in plain TensorFlow, with the very same results.

Each function has the name, arguments and outputs of the native one; `gspn_tf.ops` is
the only door to both. There is no Python in the graph and no op that a stock
TensorFlow lacks; work space is bounded by the points, the pairs of boxes and a block of
queries. Squares below 1.2e-38 m^2 may count as zero: TensorFlow's own kernels flush
them.
"""

from gspn_tf.ops.portable.boxes import gspn_nearest_assign as gspn_nearest_assign
from gspn_tf.ops.portable.boxes import gspn_sample_in_boxes as gspn_sample_in_boxes
from gspn_tf.ops.portable.features import gspn_group_points as gspn_group_points
from gspn_tf.ops.portable.features import gspn_nn_distance as gspn_nn_distance
from gspn_tf.ops.portable.features import (
    gspn_three_interpolate as gspn_three_interpolate,
)
from gspn_tf.ops.portable.sampling import (
    gspn_farthest_point_sample as gspn_farthest_point_sample,
)
from gspn_tf.ops.portable.search import gspn_ball_query as gspn_ball_query
from gspn_tf.ops.portable.search import gspn_knn as gspn_knn
from gspn_tf.ops.portable.suppression import gspn_nms3d as gspn_nms3d

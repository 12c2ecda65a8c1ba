"""Loading of the native op library, the gradients of its ops, and their stand-ins.

Only `gspn_tf.ops` uses this module. Every gradient is made of ops of the library, so
graphs that hold them can be exported and differentiated again.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import ModuleType

import tensorflow as tf

from gspn_tf.ops import portable as portable_ops

_chosen: ContextVar[ModuleType] = ContextVar("kernels")


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Inside, ops are made of plain TensorFlow: graphs that any server can run.

    A `tf.function` that was traced outside keeps the ops that it has.
    """
    token = _chosen.set(portable_ops)
    try:
        yield
    finally:
        _chosen.reset(token)


def kernels() -> ModuleType:
    """The module that computes the ops: the native library, or `portable_ops`."""
    return _chosen.get(None) or _available()


def counts_of(points: tf.Tensor, num_points: tf.Tensor | None) -> tf.Tensor:
    """Returns num_points [B] as int32, or N for every cloud when it is None."""
    if num_points is not None:
        return tf.cast(num_points, tf.int32)
    batch, count = points.shape[:2]
    if batch is not None and count is not None:
        return tf.constant([count] * batch, tf.int32)  # five times as fast as tf.fill
    shape = tf.shape(points)
    return tf.fill(shape[:1], shape[1])


@cache
def _available() -> ModuleType:
    try:
        return load_library()
    except (ImportError, tf.errors.NotFoundError) as error:
        warnings.warn(
            f"the portable ops are used, since the native ones cannot be loaded: "
            f"{error}. Results are the same; farthest point sampling, neighbour search "
            "and so training and inference are slower. BUILD.md says how to build the "
            "library.",
            RuntimeWarning,
            stacklevel=3,
        )
        return portable_ops


def library_path() -> Path:
    """The op library of the running TensorFlow version.

    Raises:
        ImportError: the library of this TensorFlow minor version is not there.
    """
    folder = Path(__file__).parent.parent
    major, minor = tf.__version__.split(".")[:2]
    path = folder / f"_gspn_ops_tf{major}_{minor}.so"
    if not path.exists():
        names = [found.stem for found in sorted(folder.glob("_gspn_ops_tf*.so"))]
        built = ", ".join(n.rpartition("_tf")[2].replace("_", ".") for n in names)
        raise ImportError(
            f"gspn_tf has its native ops for TensorFlow {built or '(none built)'}, but "
            f"TensorFlow {tf.__version__} is running: rebuild them with this version "
            "installed (pip install --no-build-isolation --force-reinstall --no-deps "
            "and the path of the gspn-tf sources)."
        )
    return path


@cache
def load_library() -> ModuleType:
    """Loads the library at `library_path()`; further calls are free.

    Where the process has loaded a copy of it, such as that of a native export, the
    module of the copy is returned: TensorFlow gives the functions of ops to the module
    of the library that registers them first.
    """
    library = tf.load_op_library(str(library_path()))
    for module in (library, *sys.modules.values()):
        if {"_IS_TENSORFLOW_PLUGIN", "gspn_knn"} <= set(
            getattr(module, "__dict__", ())
        ):
            return module
    return library


Gradients = tuple[tf.Tensor | None, ...]  # to each input, None to indices and counts

for _name in ("FarthestPointSample", "BallQuery", "KNN"):
    tf.no_gradient(f"Gspn>{_name}")
for _name in ("NMS3D", "SampleInBoxes", "NearestAssign"):
    tf.no_gradient(f"Gspn>{_name}")


@tf.RegisterGradient("Gspn>GroupPoints")
def _group_points_gradient(op: tf.Operation, gradient: tf.Tensor) -> Gradients:
    features, indices = op.inputs
    num_rows = tf.shape(features)[1]
    return load_library().gspn_group_points_grad(gradient, indices, num_rows), None


@tf.RegisterGradient("Gspn>GroupPointsGrad")
def _to_points_gradient(op: tf.Operation, gradient: tf.Tensor) -> Gradients:
    return load_library().gspn_group_points(gradient, op.inputs[1]), None, None


@tf.RegisterGradient("Gspn>ThreeInterpolate")
def _three_interpolate_gradient(op: tf.Operation, gradient: tf.Tensor) -> Gradients:
    (features, indices, weights), library = op.inputs, load_library()
    rows = tf.shape(features)[1]
    return (
        library.gspn_three_interpolate_grad(gradient, indices, weights, rows),
        None,
        library.gspn_three_interpolate_weights_grad(features, indices, gradient),
    )


@tf.RegisterGradient("Gspn>ThreeInterpolateGrad")
def _to_features_gradient(op: tf.Operation, gradient: tf.Tensor) -> Gradients:
    (upstream, indices, weights, _), library = op.inputs, load_library()
    return (
        library.gspn_three_interpolate(gradient, indices, weights),
        None,
        library.gspn_three_interpolate_weights_grad(gradient, indices, upstream),
        None,
    )


@tf.RegisterGradient("Gspn>ThreeInterpolateWeightsGrad")
def _to_weights_gradient(op: tf.Operation, gradient: tf.Tensor) -> Gradients:
    (features, indices, upstream), library = op.inputs, load_library()
    rows = tf.shape(features)[1]
    return (
        library.gspn_three_interpolate_grad(upstream, indices, gradient, rows),
        None,
        library.gspn_three_interpolate(features, indices, gradient),
    )


@tf.RegisterGradient("Gspn>NNDistance")
def _nn_distance_gradient(
    op: tf.Operation, to_a: tf.Tensor, _: tf.Tensor, to_b: tf.Tensor, __: tf.Tensor
) -> Gradients:
    _, indices_a, _, indices_b = op.outputs
    found = load_library().gspn_nn_distance_grad(
        *op.inputs, indices_a, indices_b, to_a, to_b
    )
    return found.grad_a, found.grad_b, None, None

"""Shape checks with named axes, which give the messages of the native kernels."""

from typing import NoReturn

import tensorflow as tf


def refuse(op: str, argument: str, expected: str, got: object) -> NoReturn:
    """Raises as a kernel does, or as its shape function while a graph is traced."""
    message = f"{op}: {argument} must be {expected}, got {got}"
    if tf.executing_eagerly():
        raise tf.errors.InvalidArgumentError(None, None, message)
    raise ValueError(message)


class Axes:
    """The sizes of the axes that the inputs of an op share: "BN3" is [B, N, 3]."""

    def __init__(self, op: str) -> None:
        self.op = op
        self.known: dict[str, int | None] = {}
        self.sizes: dict[str, int | tf.Tensor] = {}

    def bind(
        self, name: str, value: tf.Tensor, axes: str, dtype: tf.DType = tf.float32
    ) -> tf.Tensor:
        """Adds one input; returns it with all that is known of its shape."""
        value = tf.convert_to_tensor(value, dtype)
        described = "[" + ", ".join(axes) + "]"
        shape = value.shape
        if shape.rank not in (None, len(axes)):
            refuse(self.op, name, described, shape)
        value = tf.ensure_shape(value, [None] * len(axes))
        for i, axis in enumerate(axes):
            size = value.shape[i]
            expected = int(axis) if axis.isdigit() else self.known.get(axis)
            if None not in (size, expected) and size != expected:
                with_size = f"{described} with {axis} = {expected}"
                refuse(self.op, name, with_size, shape)
            actual = tf.shape(value)[i] if size is None else size
            wanted = expected if axis.isdigit() else self.sizes.get(axis)
            if wanted is not None and (size is None or expected is None):
                message = f"{self.op}: {name} must be {described}, equal in {axis}"
                tf.debugging.assert_equal(actual, wanted, message)
            if self.known.setdefault(axis, size) is None:
                self.known[axis] = size
            self.sizes.setdefault(axis, actual)
        return self.ensure(value, axes)

    def fixed(self, name: str, value: tf.Tensor, axes: str) -> tf.Tensor:
        """Adds one float32 input that the op is not differentiable in."""
        return tf.stop_gradient(self.bind(name, value, axes))

    def ensure(self, value: tf.Tensor, axes: str) -> tf.Tensor:
        """The value with all that is known of a shape of these axes."""
        shape = [int(a) if a.isdigit() else self.known.get(a) for a in axes]
        return tf.ensure_shape(value, shape)

    def within(
        self, name: str, values: tf.Tensor, low: int, high: int | tf.Tensor
    ) -> tf.Tensor:
        """Values [...] int32, after a check that each of them is within low..high."""
        fine = tf.reduce_all((values >= low) & (values <= high))
        message = f"{self.op}: {name} must be within {low}.."
        check = tf.debugging.Assert(fine, [message, high, ", got", values], 9)
        with tf.control_dependencies([check] if check is not None else []):
            return tf.identity(values)

    def counts(self, name: str, values: tf.Tensor, axis: str) -> tf.Tensor:
        """Adds num_points [B]: every value is within 0..size of the axis."""
        counts = self.bind(name, values, "B", tf.int32)
        return self.within(name, counts, 0, self.sizes[axis])

    def indices(self, name: str, values: tf.Tensor, axes: str, axis: str) -> tf.Tensor:
        """Adds indices into an axis."""
        rows = self.bind(name, values, axes, tf.int32)
        return self.within(name, rows, 0, self.sizes[axis] - 1)

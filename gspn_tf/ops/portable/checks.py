"""Shape checks with named axes: the messages of the native kernels."""

import tensorflow as tf

LARGEST = 2**31 - 1  # elements of a tensor


def refuse(op: str, argument: str, expected: str, got: object) -> None:
    """Raise as a kernel does, or as its shape function while a graph is traced."""
    message = f"{op}: {argument} must be {expected}, got {got}"
    if tf.executing_eagerly():
        raise tf.errors.InvalidArgumentError(None, None, message)
    raise ValueError(message)


class Axes:
    """Sizes of the axes that the inputs of an op share: "BN3" is [B, N, 3]."""

    def __init__(self, op: str) -> None:
        self.op = op
        self.known: dict[str, int | None] = {}
        self.sizes: dict[str, int | tf.Tensor] = {}

    def bind(self, name: str, value: tf.Tensor, axes: str) -> tf.Tensor:
        """Add one input; returns it with all that is known of its shape."""
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
        return tf.ensure_shape(value, self.shape(axes))

    def shape(self, axes: str) -> list[int | None]:
        """What is known of a shape."""
        return [int(a) if a.isdigit() else self.known.get(a) for a in axes]

    def within(self, name: str, values: tf.Tensor, low: int, high) -> tf.Tensor:
        """Values [...] int32, each of them within low..high."""
        fine = tf.reduce_all((values >= low) & (values <= high))
        message = f"{self.op}: {name} must be within {low}.."
        check = tf.debugging.Assert(fine, [message, high, ", got", values], 9)
        with tf.control_dependencies([check] if check is not None else []):
            return tf.identity(values)

    def counts(self, name: str, values: tf.Tensor, axis: str) -> tf.Tensor:
        """num_points [B]: every value within 0..size of the axis."""
        return self.within(name, self.bind(name, values, "B"), 0, self.sizes[axis])

    def indices(self, name: str, values: tf.Tensor, axes: str, axis: str):
        """Indices into an axis."""
        return self.within(name, self.bind(name, values, axes), 0, self.sizes[axis] - 1)

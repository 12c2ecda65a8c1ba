"""Changes of training scenes: functions of tensors alone, each of its own seed.

A scene is a dict of points [V, 3] float32 metres, colors [V, 3] 0..255, semantic and
instance [V] int32, and perhaps pixels, the PixelFeatures of its points.
`AugmentationConfig` has the strengths and their sources.
"""

from collections.abc import Callable

import tensorflow as tf
from tensorflow_graphics.geometry.transformation import rotation_matrix_3d

from gspn_tf.config import AugmentationConfig
from gspn_tf.data.scene import FIELDS, GREY

WHOLE = 255.0  # level of a full colour
MOST_NODES = 10_000_000  # of the noise that bends a scene


def augment(scene: dict, options: AugmentationConfig, seeds: tf.Tensor) -> dict:
    """Change a scene's points and colours; the draws are of seeds [2, 2]."""
    points = tf.cast(scene["points"], tf.float32)
    colors = tf.cast(scene["colors"], tf.float32)
    uniform = tf.random.stateless_uniform([3], seeds[0])
    normal = tf.random.stateless_normal([6], seeds[1])
    more = tf.random.split(tf.random.fold_in(seeds[0], 1), 4)
    if options.elastic:
        points = bend(points, options.elastic, options.elastic_spacing, more[0])
    if options.crumple:
        points = crumple(points, options.crumple, tf.random.fold_in(seeds[1], 3))
    if options.flip or options.scale or options.shear:
        points = tf.matmul(points, deformation(options, more[1]), transpose_b=True)
    if options.rotation:
        angles = uniform * [0.0, 0.0, options.rotation * 2.0 * 3.14159265]
        rotation = rotation_matrix_3d.from_euler(angles)
        # Their `rotate` cannot broadcast over an unknown number of points.
        points = tf.matmul(points, rotation, transpose_b=True)
    points = points + options.translation * normal[:3]
    if options.jitter:
        points = rough(points, options.jitter, tf.random.fold_in(seeds[1], 2))
    if options.auto_contrast:
        colors = stretch(colors, options.auto_contrast, more[2])
    colors = colors + WHOLE * options.color_jitter * normal[3:]
    if options.color_drop:
        dropped = tf.random.stateless_uniform([], more[3]) < options.color_drop
        colors = tf.where(dropped, float(GREY), colors)
    return scene | {"points": points, "colors": tf.clip_by_value(colors, 0.0, WHOLE)}


def deformation(options: AugmentationConfig, seed: tf.Tensor) -> tf.Tensor:
    """Draw the matrix [3, 3] of a mirror image, a change of size and a shear."""
    seeds = tf.random.split(seed, 2)
    uniform = tf.random.stateless_uniform([2], seeds[0])
    side = tf.where(uniform[0] < options.flip, -1.0, 1.0)
    size = 1.0 + options.scale * (2.0 * uniform[1] - 1.0)
    shear = options.shear * tf.random.stateless_normal([3, 3], seeds[1])
    axes = tf.stack([side, 1.0, 1.0])
    return size * tf.matmul(tf.eye(3) + shear, tf.linalg.diag(axes))


def bend(
    points: tf.Tensor, strength: float, spacing: float, seed: tf.Tensor
) -> tf.Tensor:
    """Displace points [V, 3] smoothly: noise on a grid, linear between its nodes.

    Args:
        points: Metres.
        strength: Metres, standard deviation at a node.
        spacing: Metres between nodes.
        seed: [2] integers.

    Raises:
        tf.errors.InvalidArgumentError: The scene has MOST_NODES nodes or more, as one
            in millimetres has.
    """
    low = tf.reduce_min(points, axis=0)
    place = (points - low) / spacing
    cell = tf.floor(place)
    most = tf.reduce_max(cell, axis=0)
    tf.debugging.assert_less(
        tf.reduce_prod(most + 2),
        float(MOST_NODES),
        "a scene that is bent must be in metres: its extent in elastic_spacing is",
    )
    size = tf.cast(most, tf.int32) + 2
    noise = tf.random.stateless_normal(tf.concat([size, [3]], 0), seed)
    part, cell = place - cell, tf.cast(cell, tf.int32)
    moved = points
    for corner in ((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)):
        weight = tf.reduce_prod(tf.where(tf.constant(corner) > 0, part, 1 - part), -1)
        at_node = tf.gather_nd(noise, cell + tf.constant(corner))
        moved += strength * weight[:, None] * at_node
    return moved


def crumple(points: tf.Tensor, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Displace points [V, 3] smoothly over 0.1 m, where a field over 0.8 m is positive.

    The standard deviation is `strength` metres times that field, itself of deviation 1.
    """
    seeds = tf.random.split(seed, 2)
    place = tf.nn.relu(smooth_field(points, 0.8, 1, seeds[0]))
    return points + strength * place * smooth_field(points, 0.1, 3, seeds[1])


def smooth_field(
    points: tf.Tensor, length: float, channels: int, seed: tf.Tensor
) -> tf.Tensor:
    """Draw Gaussian fields of deviation 1 at points [V, 3]; returns [V, channels].

    They are random Fourier features of a Gaussian kernel (Rahimi and Recht, NeurIPS
    2007), so that a scene may be of any extent.

    Args:
        points: Metres.
        length: Metres, the kernel's standard deviation.
        channels: Number of independent fields.
        seed: [2] integers.
    """
    waves, seeds = 16, tf.random.split(seed, 3)
    frequency = tf.random.stateless_normal([3, waves], seeds[0]) / length
    phase = tf.random.stateless_uniform([waves], seeds[1], 0.0, 2.0 * 3.14159265)
    share = tf.random.stateless_normal([waves, channels], seeds[2])
    return (
        tf.matmul(tf.cos(tf.matmul(points, frequency) + phase), share)
        * (2.0 / waves) ** 0.5
    )


def rough(points: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Displace points [V, 3] each by itself, deviating by at most so many metres."""
    seeds = tf.random.split(seed, 2)
    deviation = most * tf.random.stateless_uniform([], seeds[0])
    return points + deviation * tf.random.stateless_normal(tf.shape(points), seeds[1])


def stretch(colors: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Blend colors [V, 3] with those of full contrast in each channel, by chance."""
    uniform = tf.random.stateless_uniform([2], seed)
    low, high = tf.reduce_min(colors, 0), tf.reduce_max(colors, 0)
    full = WHOLE * tf.math.divide_no_nan(colors - low, high - low)
    blend = tf.where(uniform[0] < probability, uniform[1], 0.0)
    return (1 - blend) * colors + blend * full


def mix(
    scene: dict, another: Callable[[], dict], probability: float, seed: tf.Tensor
) -> dict:
    """Lay another scene across a scene by chance, middle over middle, at any angle.

    Args:
        scene: Keeps its name and its instances' numbers.
        another: Reads the other scene, where it is needed.
        probability: Of being mixed.
        seed: [2] integers.
    """
    seeds = tf.random.split(seed, 2)
    uniform = tf.random.stateless_uniform([], seeds[0])

    def both() -> dict:
        first, second = centered(scene), centered(another())
        turned = AugmentationConfig(translation=0.0)
        second = augment(second, turned, tf.stack([seeds[1]] * 2))
        count = tf.maximum(tf.reduce_max(scene["instance"], axis=0) + 1, 0)
        number = second["instance"]
        second["instance"] = tf.where(number >= 0, number + count, -1)
        mixed = {
            name: tf.concat([first[name], tf.cast(second[name], first[name].dtype)], 0)
            for name in FIELDS
        }
        if "pixels" in scene:
            mixed["pixels"] = first["pixels"].joined(second["pixels"])
        return scene | mixed

    return tf.cond(uniform < probability, both, lambda: scene)


def crop(scene: dict, share: tf.Tensor, probability: float, seed: tf.Tensor) -> dict:
    """Keep, by chance, the part of a scene around one of its points in plan.

    Objects that are cut are their parts from then on, numbered anew.

    Args:
        scene: One of at least one point.
        share: Of the points that are kept; from 1 on nothing is cut.
        probability: Of being cut.
        seed: [2] integers.
    """
    seeds = tf.random.split(seed, 2)
    uniform = tf.random.stateless_uniform([], seeds[0])

    def part() -> dict:
        plan = scene["points"][:, :2]
        total = tf.shape(plan)[0]
        middle = plan[tf.random.stateless_uniform([], seeds[1], 0, total, tf.int32)]
        distance = tf.reduce_sum((plan - middle) ** 2, axis=-1)
        count = tf.cast(tf.math.ceil(share * tf.cast(total, tf.float32)), tf.int32)
        rows = tf.sort(tf.argsort(distance)[:count])
        kept = {name: tf.gather(scene[name], rows) for name in FIELDS}
        if "pixels" in scene:
            kept["pixels"] = scene["pixels"].of_points(rows)
        instance = kept["instance"]
        numbers = tf.unique(tf.sort(tf.boolean_mask(instance, instance >= 0))).y
        row = tf.searchsorted(numbers, tf.maximum(instance, 0))
        kept["instance"] = tf.where(instance >= 0, row, -1)
        return scene | kept

    cut = (uniform < probability) & (share < 1)
    return tf.cond(cut, part, lambda: scene)


def centered(scene: dict) -> dict:
    """Move a scene so that its middle is over the origin and its floor at zero."""
    low = tf.reduce_min(scene["points"], axis=0)
    high = tf.reduce_max(scene["points"], axis=0)
    middle = (low + high) / 2
    return scene | {
        "points": scene["points"] - tf.stack([middle[0], middle[1], low[2]])
    }

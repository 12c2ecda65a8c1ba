"""Materials of one color: metals, enamels, plastics and glasses."""

import numpy as np

from gspn_tf.synthetic.homes.meshes import Material

Rng = np.random.Generator
Range = tuple[float, float]
_WARM = (20.0, 60.0)


def tone(
    rng: Rng, level: Range, chroma: Range, hue: Range | None = None
) -> tuple[float, float, float]:
    """Draw a color.

    Args:
        rng: draws it.
        level: range of the strongest channel, 0..255.
        chroma: range of strongest less weakest channel, levels; never above `level`.
        hue: range in degrees (0 red, 60 yellow, 120 green, 240 blue); None = any.

    Returns:
        Levels of red, green and blue.
    """
    top = rng.uniform(*level)
    spread = min(rng.uniform(*chroma), top)
    angle = rng.uniform(*(hue or (0, 360))) / 60
    steps = (np.array([5.0, 3.0, 1.0]) + angle) % 6
    levels = top - spread * np.clip(np.minimum(steps, 4 - steps), 0, 1)
    return float(levels[0]), float(levels[1]), float(levels[2])


def metal(rng: Rng) -> Material:
    """Draw steel, chrome or a lacquered metal."""
    level = (150, 205) if rng.random() < 0.7 else (25, 90)
    return Material(tone(rng, level, (2, 14)), gloss=float(rng.uniform(0.3, 0.7)))


def enamel(rng: Rng) -> Material:
    """Draw a white or nearly white glazed or lacquered surface."""
    color = tone(rng, (205, 248), (2, 18), _WARM)
    return Material(color, gloss=float(rng.uniform(0.1, 0.35)))


def plastic(rng: Rng) -> Material:
    """Draw a plastic: black, grey, white or colored."""
    if rng.random() < 0.55:
        return Material(tone(rng, (25, 235), (0, 15)), gloss=0.15)
    return Material(tone(rng, (60, 230), (30, 120)), gloss=0.15)


def casing(rng: Rng) -> Material:
    """Draw the black, grey or white plastic of devices."""
    level: Range = ((20, 60), (90, 170), (200, 240))[rng.choice(3, p=[0.6, 0.25, 0.15])]
    return Material(tone(rng, level, (0, 10)), gloss=0.15)


def black_glass(rng: Rng) -> Material:
    """Draw the dark, shining front of a screen or an oven."""
    color = tone(rng, (12, 40), (0, 8))
    return Material(color, gloss=float(rng.uniform(0.6, 0.95)))


def clear_glass(rng: Rng) -> Material:
    """Draw a pane that a depth camera sees through."""
    color = tone(rng, (170, 235), (5, 25), (150, 230))
    return Material(color, alpha=float(rng.uniform(0.1, 0.3)), gloss=0.5)

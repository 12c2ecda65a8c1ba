"""Colours of points, from whatever columns and numbers a file has them in.

Columns  `red green blue` or `r g b`, in any case, also with a word before as in
         `diffuse_red`; one `rgb` or `rgba`, 65536 red + 256 green + blue, as a whole
         number or as the bits of a float (Point Cloud Library); or the coefficients
         `f_dc_0 f_dc_1 f_dc_2` of Gaussian splats.
Numbers  uint8, or uint16 of 16 bits unless none is over 255. Other types do not tell
         their range: it is 0..1 (of floats alone), 0..255 or 0..65535, the first that
         holds half of the values that are not 0. Values beyond are cut.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

SPLAT = 0.28209479177387814
"""The constant spherical harmonic, by which splats multiply their colours."""
_CHANNEL = re.compile(r"(|.*_)(red|green|blue|r|g|b)")
_PREFIXES = ("", "diffuse_", "scalar_")  # the best first


def colors_of_columns(columns: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Colours [V, 3] of any type, or None where no columns are understood as such."""
    if channels := _channels(columns):
        return np.stack([columns[name] for name in channels], axis=1)
    lower = {name.lower(): column for name, column in columns.items()}
    for name in ("rgb", "rgba"):
        if name in lower and lower[name].dtype.itemsize >= 4:
            return _unpacked(lower[name])
    if all(f"f_dc_{i}" in lower for i in range(3)):
        waves = np.stack([lower[f"f_dc_{i}"] for i in range(3)], axis=1)
        return _rounded(255 * (0.5 + SPLAT * waves.astype(np.float64)))
    return None


def _channels(names: Iterable[str]) -> list[str]:
    """The names of red, green and blue, which have the same prefix; or none."""
    found: dict[tuple[str, bool], dict[str, str]] = {}
    for name in names:
        if match := _CHANNEL.fullmatch(name.lower()):
            prefix, channel = match.groups()
            of_prefix = found.setdefault((prefix, len(channel) > 1), {})
            of_prefix[channel[0]] = name
    whole = {key: each for key, each in found.items() if len(each) == 3}
    known = [(prefix, words) for prefix in _PREFIXES for words in (True, False)]
    for key in (*known, *whole):
        if key in whole:
            return [whole[key][channel] for channel in "rgb"]
    return []


def _unpacked(packed: np.ndarray) -> np.ndarray:
    """Colours uint8 [V, 3] of numbers [V], or of the bits of floats."""
    finite = packed[np.isfinite(packed)]
    if (finite % 1 == 0).all() and (np.abs(finite) < 2**32).all() and finite.any():
        bits = np.where(np.isfinite(packed), packed, 0).astype(np.int64)
    else:
        with np.errstate(over="ignore"):
            bits = packed.astype(np.float32).view(np.uint32).astype(np.int64)
    return (bits[:, None] >> [16, 8, 0] & 255).astype(np.uint8)


def as_bytes(colors: np.ndarray) -> tuple[np.ndarray, str]:
    """Colours uint8 [V, 3] of numbers [V, 3]; a line about a range that was guessed."""
    kind = colors.dtype.newbyteorder("=")
    if kind == np.uint8:
        return np.ascontiguousarray(colors), ""
    if kind == np.uint16 and colors.max(initial=0) > 255:
        return (colors >> 8).astype(np.uint8), ""
    values = np.nan_to_num(colors.astype(np.float64), posinf=0.0, neginf=0.0)
    typical = float(np.median(values[values > 0])) if (values > 0).any() else 0.0
    ranges = (1, 255, 65535) if kind.kind == "f" else (255, 65535)
    top = next((most for most in ranges if typical <= most), ranges[-1])
    beyond = int(np.count_nonzero(values > top))
    told = f"colours are {kind} numbers, taken as 0..{top}"
    if beyond:
        told += f"; larger ones are cut ({beyond}, up to {values.max():g})"
    plain = kind.kind != "f" and kind != np.uint16 and not beyond and top == 255
    return _rounded(values * (255 / top)), "" if plain else told


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(np.nan_to_num(values)), 0, 255).astype(np.uint8)

"""A page to look at, and what it holds, read back."""

import base64
import json
import re

import numpy as np

from gspn_tf.visualize.layers import Entry, Layer, class_layer, proposal_layer
from gspn_tf.visualize.page import PageContent
from gspn_tf.visualize.palette import PALETTE

BLOCK = np.array([0, 0, 0, 1, 2, 3])


def toy_content(num_points=500) -> PageContent:
    """A cloud with a layer of each kind; one name tries to be a script."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, num_points)
    names = ("chair", "</script><script>alert(1)</script>")
    colors = rng.integers(0, 256, (num_points, 3)).astype(np.uint8)
    entries = [Entry("chair", PALETTE[0], 9, 0.75, BLOCK)] * 2
    boxes = np.linspace(3, 0, 1000)[:, None] * [1, 0, 0, 0, 0, 0] + BLOCK
    layers = [
        Layer("input", colors=colors),
        class_layer("semantic", labels + 1, names),
        Layer("instances by me", entries, labels),
        proposal_layer(boxes, np.linspace(0, 1, 1000)),
    ]
    return PageContent(rng.uniform(-3, 4, (num_points, 3)), layers)


def scene_of(path):
    text = path.read_text(encoding="utf-8")
    match = re.search(
        r'<script type="application/json" id="scene">(.*?)</script>', text
    )
    return json.loads(match.group(1))


def decoded(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)

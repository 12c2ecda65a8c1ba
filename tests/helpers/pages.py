"""The content of a page to look at, read back."""

import base64
import json
import re

import numpy as np


def scene_of(path):
    text = path.read_text(encoding="utf-8")
    match = re.search(
        r'<script type="application/json" id="scene">(.*?)</script>', text
    )
    return json.loads(match.group(1))


def decoded(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)

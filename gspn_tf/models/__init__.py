"""The networks of the paper and of its release, in Keras.

They may import `nn` and all that is below it. `build` is the only place where a name
becomes a class.
"""

from typing import Any

from gspn_tf.config import (
    GSPNConfig,
    MaskRCNNConfig,
    RPointNetConfig,
    SemanticConfig,
    SGPNConfig,
)
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.released import ReleasedGSPN, ReleasedRPointNet
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.models.semantics import SemanticNetwork
from gspn_tf.models.sgpn import SGPN

MODELS = {
    "semantic": SemanticNetwork,
    "gspn": GSPN,
    "released_gspn": ReleasedGSPN,
    "released_literal_gspn": ReleasedGSPN,
    "rpointnet": RPointNet,
    "released_rpointnet": ReleasedRPointNet,
    "sgpn": SGPN,
}

# Keras's policies by the type of products and activations; all else is float32.
POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


def build(
    config: GSPNConfig | RPointNetConfig | SemanticConfig | SGPNConfig | MaskRCNNConfig,
    precision: str | None = None,
    **known: Any,
) -> Any:
    """The model of a config, its weights initialised; `known` as of `PresetModel`.

    `precision` is one of POLICIES; None: Keras's own policy decides.
    """
    policy = None if precision is None else POLICIES[precision]
    if isinstance(config, MaskRCNNConfig):
        import gspn_tf  # The image side is above this.

        return gspn_tf.MaskRCNN(config, dtype=policy, **known)
    return MODELS[config.kind](config, dtype=policy, **known)

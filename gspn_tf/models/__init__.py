"""The networks of the paper and of its release, in Keras.

They may import `nn` and all that is below it. `build` is the only place where a name
becomes a class.
"""

from typing import Any

from gspn_tf.config import GSPNConfig, RPointNetConfig, SGPNConfig
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.released import ReleasedGSPN, ReleasedRPointNet
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.models.sgpn import SGPN

MODELS = {
    "gspn": GSPN,
    "released_gspn": ReleasedGSPN,
    "released_literal_gspn": ReleasedGSPN,
    "rpointnet": RPointNet,
    "released_rpointnet": ReleasedRPointNet,
    "sgpn": SGPN,
}


def build(
    config: GSPNConfig | RPointNetConfig | SGPNConfig, **known: Any
) -> GSPN | RPointNet | SGPN:
    """The model of a config, its weights initialised; `known` as of `PresetModel`."""
    return MODELS[config.kind](config, **known)

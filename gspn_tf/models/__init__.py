"""The networks. `build` is the only place where a kind becomes a class."""

from gspn_tf.config import GSPNConfig, RPointNetConfig, SGPNConfig
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.released import ReleasedRPointNet
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.models.sgpn import SGPN

MODELS = {
    "gspn": GSPN,
    "rpointnet": RPointNet,
    "released_rpointnet": ReleasedRPointNet,
    "sgpn": SGPN,
}


def build(config: GSPNConfig | RPointNetConfig | SGPNConfig) -> GSPN | RPointNet | SGPN:
    """The model of a config, its weights initialised."""
    return MODELS[config.kind](config)

"""The networks. `build` is the only place where a name becomes a class."""

from gspn_tf.config import GSPNConfig, RPointNetConfig, SGPNConfig
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.models.sgpn import SGPN

MODELS = {"gspn": GSPN, "rpointnet": RPointNet, "sgpn": SGPN}


def build(config: GSPNConfig | RPointNetConfig | SGPNConfig) -> GSPN | RPointNet | SGPN:
    """The model of a config, its weights initialised."""
    return MODELS[config.kind](config)

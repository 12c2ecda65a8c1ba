"""The networks. `build` is the only place where a name becomes a class."""

from gspn_tf.config import GSPNConfig, RPointNetConfig
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.rpointnet import RPointNet

MODELS = {"gspn": GSPN, "rpointnet": RPointNet}


def build(config: GSPNConfig | RPointNetConfig) -> GSPN | RPointNet:
    """The model of a config, its weights initialised."""
    return MODELS[config.kind](config)

"""Every number of the networks, of data and of training, each with its source.

Imports nothing of the package.
"""

from gspn_tf.config.schema import (
    BackboneConfig,
    Config,
    DataConfig,
    GSPNConfig,
    RPointNetConfig,
    SGPNConfig,
    StageConfig,
    TrainConfig,
    from_dict,
    read_json,
    to_json,
)

__all__ = [
    "BackboneConfig",
    "Config",
    "DataConfig",
    "GSPNConfig",
    "RPointNetConfig",
    "SGPNConfig",
    "StageConfig",
    "TrainConfig",
    "from_dict",
    "read_json",
    "to_json",
]

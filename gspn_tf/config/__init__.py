"""Every number of the networks, of data and of training, each with its source.

`networks`, `images` and `schema` list all options. Here live also the presets, the
reading of config files and overrides, and that of earlier versions' files. It imports
`files`.
"""

from pathlib import Path

from gspn_tf.config.images import AlexNetConfig as AlexNetConfig
from gspn_tf.config.images import MaskRCNNConfig as MaskRCNNConfig
from gspn_tf.config.networks import BackboneConfig as BackboneConfig
from gspn_tf.config.networks import GSPNConfig as GSPNConfig
from gspn_tf.config.networks import RPointNetConfig as RPointNetConfig
from gspn_tf.config.networks import SemanticConfig as SemanticConfig
from gspn_tf.config.networks import SGPNConfig as SGPNConfig
from gspn_tf.config.schema import AugmentationConfig as AugmentationConfig
from gspn_tf.config.schema import Config as Config
from gspn_tf.config.schema import DataConfig as DataConfig
from gspn_tf.config.schema import ImageAugmentationConfig as ImageAugmentationConfig
from gspn_tf.config.schema import StageConfig as StageConfig
from gspn_tf.config.schema import TrainConfig as TrainConfig
from gspn_tf.config.schema import differences as differences
from gspn_tf.config.schema import from_dict as from_dict
from gspn_tf.config.schema import read_config as read_config
from gspn_tf.config.schema import to_json as to_json

_PACKAGE = Path(__file__).resolve().parent.parent
_HOMES = (_PACKAGE, _PACKAGE.parent)  # installed, and in a checkout
CONFIGS = next(home / "configs" for home in _HOMES if (home / "configs").is_dir())
"""Folder of the config files that come with the package."""
PRESETS = _PACKAGE / "presets"
"""Folder of the trained networks that come with the package."""


def preset_folder(name: str | Path) -> Path:
    """Find a preset of the package by its name, or else any folder by its path.

    Raises:
        FileNotFoundError: there is neither; names the presets.
    """
    presets = {path.name: path for path in PRESETS.glob("*")}
    if not (folder := presets.get(str(name), Path(name))).is_dir():
        known = ", ".join(sorted(presets)) or "none"
        raise FileNotFoundError(
            f"no folder {name}, nor a preset of that name; presets: {known}"
        )
    return folder

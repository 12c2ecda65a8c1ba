"""Presets: folders that hold a trained network whole, after keras-hub's convention.

config.json           the class and its config, in the form of `keras.saving`
metadata.json         Keras's version, number of parameters, date
model.weights.h5      the weights
classes.json          [[raw id, name], ...] of the network's classes 1..C, or null
preprocessing.json    what the network sees of a scan, a `DataConfig`, or null
README.md             the model card
"""

import contextlib
import dataclasses as dc
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import keras

from gspn_tf import config as config_lib
from gspn_tf import files
from gspn_tf.config import DataConfig
from gspn_tf.files import errors
from gspn_tf.models.weights import load_weights, save_weights

WEIGHTS = "model.weights.h5"
KNOWN = {"classes": "classes.json", "data": "preprocessing.json"}
NAMES = ("config.json", "metadata.json", WEIGHTS, *KNOWN.values(), "README.md")

Classes = Sequence[tuple[int, str]]


class PresetModel(keras.Model):
    """A model of a config, which Keras's files, presets and exports hold whole.

    Args:
        config: A `config_class`; default: the paper's.
        classes: Raw id and name of each of the classes 1..C, where they are known.
        data: What the network sees of a scan, where it is known.

    Raises:
        ValueError: A config of another kind, or as many classes as it has not.
    """

    config_class: type
    # In what the model finds instances.
    sees = "a scan of points with colours, in metres, z up"

    def __init__(
        self,
        config: Any = None,
        classes: Classes | None = None,
        data: DataConfig | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = self.config_class() if config is None else config
        if not isinstance(self.config, self.config_class):
            raise ValueError(
                f"config of {type(self).__name__} must be a "
                f"{self.config_class.__name__}, such as is in `config.model` of a "
                f"Config, got {type(config).__name__}"
            )
        self.classes = classes and class_pairs(classes, self.config)
        self.data = data

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for Keras's serialisation."""
        return super().get_config() | {
            "config": dc.asdict(self.config),
            "classes": self.classes,
            "data": self.data and dc.asdict(self.data),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model of what `get_config` returned."""
        values = {"config": config_lib.from_dict(cls.config_class, config["config"])}
        if data := config.get("data"):
            values["data"] = config_lib.from_dict(DataConfig, data)
        return cls(**config | values)

    def save_to_preset(
        self,
        folder: str | Path,
        classes: Classes | None = None,
        data: DataConfig | None = None,
        half: bool = False,
    ) -> None:
        """Write a folder of which `from_preset` makes the model again.

        Its files, see `gspn_tf.models.presets`, replace those of their names there.

        Args:
            folder: Where to write; made where it is missing.
            classes: As of the constructor, where the model was made without.
            data: As of the constructor, where the model was made without.
            half: Whether matrices are rounded to float16 on disk.

        Raises:
            ValueError: As many classes as the model has not, or weights beyond float16.
        """
        whole = keras.saving.serialize_keras_object(self)
        for name in ("build_config", "compile_config"):
            whole.pop(name, None)
        known = {name: whole["config"].pop(name) for name in KNOWN}
        if classes is not None:
            known["classes"] = class_pairs(classes, self.config)
        if data is not None:
            known["data"] = dc.asdict(data)
        metadata = {
            "keras_version": keras.__version__,
            "parameter_count": self.count_params(),
            "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S"),
        }
        card = model_card(self, Path(folder).name, **known)
        with files.writing_together(folder, NAMES) as scratch:
            files.write_json(scratch / "config.json", whole)
            files.write_json(scratch / "metadata.json", metadata)
            for name, value in known.items():
                files.write_json(scratch / KNOWN[name], value)
            files.write_text(scratch / "README.md", card)
            save_weights(self, scratch / WEIGHTS, half)

    @classmethod
    def from_preset(cls, name: str | Path) -> Self:
        """Load the model of a preset or of a run folder.

        GSPN also takes those of an R-PointNet, and gives its proposal network.

        Args:
            name: Name of a preset of the package, or a folder.

        Raises:
            FileNotFoundError: No such preset or folder.
            ValueError: A file is missing or damaged, or of another network.
        """
        import gspn_tf  # Loading runs is above this.

        folder = config_lib.preset_folder(name)
        model = (
            read_preset(folder) if is_preset(folder) else gspn_tf.load_run(folder)[0]
        )
        for each in (model, getattr(model, "proposal_network", None)):
            if isinstance(each, cls):
                return each
        kinds = cls.__name__, type(model).__name__
        raise ValueError(
            "{} must hold a network of class {}, not {}".format(folder, *kinds)
        )

    def export(
        self,
        folder: str | Path,
        classes: Classes | None = None,
        data: DataConfig | None = None,
        **options: Any,
    ) -> Path:
        """Save a SavedModel as `gspn_tf.export` and `gspn export` do, not as Keras.

        Args:
            folder: Folder of all versions of this model.
            classes: As of the constructor, where the model was made without.
            data: As of the constructor, where the model was made without.
            **options: As of `gspn_tf.export`: ops, version, max_points, trained.

        Returns:
            The folder of the version.

        Raises:
            ValueError: Neither the model nor the call has classes or data.
        """
        import gspn_tf  # Exporting is above this.

        known: dict[str, Any] = {
            "classes": classes or self.classes,
            "data": data or self.data,
        }
        if missing := [name for name, value in known.items() if value is None]:
            raise ValueError(f"export needs {' and '.join(missing)}: give them to it")
        config = config_lib.Config(model=self.config, data=known["data"])
        return gspn_tf.export(self, config, known["classes"], folder, **options)


def class_pairs(classes: Classes, config: Any) -> Classes:
    """Return classes as pairs; ValueError unless a network of the config has them."""
    if len(classes) + 1 != config.num_classes:
        raise ValueError(
            f"classes must be {config.num_classes - 1} pairs of raw id and name, as "
            f"num_classes is {config.num_classes} with the background, "
            f"got {len(classes)}"
        )
    try:
        return tuple((int(raw_id), str(name)) for raw_id, name in classes)
    except (TypeError, ValueError):
        raise ValueError(
            f"classes must be pairs of raw id and name, got {list(classes)}"
        ) from None


def is_preset(folder: Path) -> bool:
    """Whether a folder has the files of a preset, not those of a run."""
    return any((folder / name).is_file() for name in ("metadata.json", WEIGHTS))


def read_preset(folder: Path, policy: str | None = None) -> Any:
    """Load the model of a preset, with a dtype policy in place of the one it tells.

    Raises as `PresetModel.from_preset`.
    """

    def reading(name: str, kind: str) -> contextlib.AbstractContextManager[None]:
        damage = (KeyError, TypeError, AttributeError, RuntimeError)
        return errors.naming_file(folder / name, kind, *damage)

    read = {
        name: errors.load_json(folder / name)
        for name in ("config.json", *KNOWN.values())
    }
    with reading("config.json", "preset's config"):
        if policy:
            read["config.json"]["config"]["dtype"] = policy
        model = keras.saving.deserialize_keras_object(read["config.json"])
        if not isinstance(model, PresetModel):
            raise ValueError("it holds no network of gspn_tf")
    with reading(KNOWN["classes"], "class list"):
        if (classes := read[KNOWN["classes"]]) is not None:
            model.classes = class_pairs(errors.checked_pairs(classes), model.config)
    with reading(KNOWN["data"], "preprocessing"):
        if (data := read[KNOWN["data"]]) is not None:
            model.data = config_lib.from_dict(DataConfig, data)
    load_weights(model, folder / WEIGHTS)
    return model


def model_card(
    model: PresetModel, name: str, classes: Classes | None, data: dict | None
) -> str:
    """Describe a model by what is known of it, in Markdown."""
    kind = model.config_class.__name__.removesuffix("Config")
    finds = {"GSPN": "proposals: boxes that may hold one object each"}
    lines = [
        "---\nlibrary_name: keras\ntags:\n- 3d-instance-segmentation\n---",
        f"# {name}",
        f"A `gspn_tf.{kind}` with {model.count_params():,} parameters. It finds "
        f"{finds.get(kind, 'instances of objects')} in {model.sees}. `config.json` has "
        "its every option.",
    ]
    if data:
        lines.append(
            f"Of a scan it sees {data['num_points_inference']:,} points "
            f"({data['sampling']} sampling)."
        )
    listed = "".join(f"\n| {raw} | {text} |" for raw, text in classes or ())
    lines.append(
        f"Classes:\n\n| id | name |\n|---|---|{listed}"
        if listed
        else f"It has {model.config.num_classes - 1} classes without names."
    )
    code = json.dumps(name)
    lines.append(
        f"```python\nimport gspn_tf\n\nmodel = gspn_tf.{kind}.from_preset({code})\n```"
    )
    return "\n\n".join(lines) + "\n"

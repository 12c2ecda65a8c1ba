"""`--config=FILE:VARIANT+ABLATION --config.a.b=value` becomes one checked `Config`."""

import copy
import dataclasses as dc
import difflib
import runpy
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from absl import flags
from ml_collections import config_flags

from gspn_tf import config as config_lib
from gspn_tf.config import CONFIGS, Config
from gspn_tf.config.fine_tuning import fine_tuning_config, is_preset_config


def load_config(argument: str) -> Config:
    """The config of `FILE.py:VARIANT`, or of a run's or preset's `config.json`.

    `VARIANT+NAME+...` applies ablations of `configs/ablations.py` to it, in turn. A
    path that is not found from the current folder is looked up among the configs that
    come with the package. Raises FileNotFoundError or ValueError with one sentence.
    """
    name, _, rest = argument.partition(":")
    variant, *ablations = rest.split("+")
    path = find_config(name)
    if path.suffix == ".json":
        preset = is_preset_config(path)
        config = (
            fine_tuning_config(path.parent) if preset else config_lib.read_config(path)
        )
    elif not (get_config := _run(path).get("get_config")):
        raise ValueError(f"{path} defines no get_config(variant)")
    else:
        config = get_config(*([variant] if variant else []))
    if not isinstance(config, Config):
        kind = type(config).__name__
        raise ValueError(f"get_config of {path} must return a Config, got {kind}")
    for ablation in ablations:
        ablate(config, ablation)
    return check_config(config)


def ablate(config: Config, name: str) -> None:
    """Change `config` as the line `name` of `configs/ablations.py` says.

    Raises ValueError for an unknown name, and for one of fields that the config's model
    does not have.
    """
    table = _run(find_config("configs/ablations.py"))["ABLATIONS"]
    if name not in table:
        raise ValueError(f"no ablation {name!r}, ablations.py has {list(table)}")
    for path, value in table[name].items():
        *parts, field = path.split(".")
        holder: Any = config
        for part in parts:
            holder = getattr(holder, part, None)
        if not hasattr(holder, field):
            raise ValueError(
                f"ablation {name!r} sets config.{path}, which a model of kind "
                f"{config.model.kind!r} does not have"
            )
        value = value(getattr(holder, field)) if callable(value) else value
        setattr(holder, field, value)


def find_config(name: str) -> Path:
    """The file of `configs/` called `name`: from here, else from the package."""
    given = Path(name)
    tail = Path(*given.parts[given.parts[:1] == ("configs",) :])
    for place in (given, CONFIGS / tail):
        if place.is_file():
            return place
    known = sorted(path.name for path in CONFIGS.glob("*.py"))
    raise FileNotFoundError(f"no config file {name}; the package has {known}")


def override(config: Config, arguments: Sequence[str]) -> Config:
    """A copy of `config` with each `--config.a.b=value` of `arguments` applied.

    Raises ValueError that names an unknown field and those nearest to it, or the
    type that a value should have.
    """
    config_flags.register_flag_parser_for_type(Literal, flags.ArgumentParser())
    for argument in arguments:
        path, _, value = argument.lstrip("-").partition("=")
        kind = _kind_at(config, path)
        values, argv = flags.FlagValues(), ["gspn", argument]
        try:
            holder = config_flags.DEFINE_config_dataclass(
                "config", copy.deepcopy(config), flag_values=values, sys_argv=argv
            )
            values(argv)
            config = check_config(holder.value)
        except (flags.Error, ValueError, TypeError) as error:
            raise ValueError(
                f"{path} must be {_described(kind)}, got {value!r}"
            ) from error
    return config


def check_config(config: Any, path: str = "config") -> Any:
    """Raise ValueError unless every field holds what its annotation says."""
    for name, kind in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if type(value) in filter(dc.is_dataclass, (kind, *typing.get_args(kind))):
            check_config(value, f"{path}.{name}")
        elif not _matches(kind, value):
            raise ValueError(f"{path}.{name} must be {_described(kind)}, got {value!r}")
    return config


def _run(path: Path) -> dict[str, Any]:
    """The names that a Python file defines."""
    if path.suffix != ".py":
        raise ValueError(f"a config is a .py or .json file, got {path}")
    return runpy.run_path(str(path))


def _matches(kind: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in arguments
    if origin is tuple and isinstance(value, tuple):
        if arguments[-1] is Ellipsis:
            arguments = arguments[:1] * len(value)
        same = len(arguments) == len(value)
        return same and all(map(_matches, arguments, value))
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else origin or kind)


def _kind_at(config: Any, path: str) -> Any:
    """Annotation of the field `config.a.b`; ValueError if there is no such field."""
    holder, *names = path.split(".")
    kind: Any = type(config)
    for name in names:
        kinds = typing.get_type_hints(type(config)) if dc.is_dataclass(config) else {}
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=3) or list(kinds)
            hint = f"near: {', '.join(near)}" if kinds else "it is a value"
            raise ValueError(f"--{path}: {holder} has no field {name!r} ({hint})")
        holder, kind = f"{holder}.{name}", kinds[name]
        config = getattr(config, name)  # of several classes the one that is there
    return kind


def _described(kind: Any) -> str:
    """An annotation as a reader would say it."""
    if typing.get_origin(kind) is Literal:
        return f"one of {list(typing.get_args(kind))}"
    if isinstance(kind, types.UnionType):
        return " or ".join(map(_described, typing.get_args(kind)))
    return str(kind) if typing.get_args(kind) else kind.__name__

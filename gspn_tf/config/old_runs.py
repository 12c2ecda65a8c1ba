"""A `config.json` of an earlier version as one of this version.

Options that only reproduced the release are now the `kind` of a network, and options
that nothing used are gone. A network whose fields that are gone have the values of a
kind is one of that kind now; where they are a mixture, it cannot be made any more.
"""

from typing import Any

# Kinds of network that an old one may be now.
KINDS = {
    "gspn": ("gspn", "released_gspn", "released_literal_gspn"),
    "rpointnet": ("rpointnet", "released_rpointnet"),
    "sgpn": ("sgpn",),
}
# Fields that are gone, with their values in networks of each of these kinds.
GONE: dict[str, dict[str, tuple[Any, ...]]] = {
    "gspn": {
        "context_spheres": ("seed",) * 3,
        "context_color": (True,) * 3,
        "detach_semantics": (False,) * 3,
        "generation_unit": ("half_diagonal",) * 3,
        "kl_divergence": ("prior_posterior",) * 3,
        "kl_reduction": ("mean",) * 3,
        "point_confidence": (True, False, False),
        "objectness_loss": ("binary", "softmax", "softmax"),
        "best_seeds": ("none", "all", "first"),
        "flat_variance": ("sample", "batch", "batch"),
    },
    "rpointnet": {
        "train_proposals": (False, False),
        "filler_regions": ("proposals", "empty"),
        "head_layers": ("separate", "shared"),
        "exported_score": ("ranking", "released"),
        "flat_variance": ("sample", "batch"),
    },
    "sgpn": {"exported_score": ("ranking",)},
}


def upgrade(data: Any) -> Any:
    """Values of a config of this or an earlier version, as this version has them.

    Args:
      data: contents of a JSON file, a dict for each dataclass; left as it is.

    Raises:
      ValueError: fields that are gone have values that no network has here together.
    """
    if not isinstance(data, dict):
        return data
    values = {name: upgrade(value) for name, value in data.items()}
    values.pop("shuffle_buffer", None)  # all scenes are shuffled now
    if "center_share" in values:  # of every level
        share, levels = values.pop("center_share"), len(values["num_centers"])
        values["center_shares"] = [share] * levels if share < 1 else []
    if "translate_std" in values:
        values["augmentation"] = {
            "rotation": float(values.pop("rotate", True)),
            "translation": values.pop("translate_std"),
            "color_jitter": values.pop("color_jitter", 0.0),
        }
    if values.get("kind") in KINDS:
        values["kind"] = _kind_of(values)
    if {"model", "train"} <= values.keys():
        _add_norm_decay(values["model"], values["train"])
    return values


def _add_norm_decay(model: dict[str, Any], train: dict[str, Any]) -> None:
    """Give a network the stairs that its stage had, of batch normalisation too."""
    backbone = model.get("proposal", model).get("backbone", {})
    stage = train.get("sgpn" if model.get("kind") == "sgpn" else "gspn", {})
    if "norm_decay_steps" not in backbone and stage.get("schedule") == "cosine":
        backbone["norm_decay_steps"] = 0
    elif "decay_steps" in stage:
        backbone.setdefault("norm_decay_steps", stage["decay_steps"])


def _kind_of(values: dict[str, Any]) -> str:
    """The kind that a network has now; fields that are gone leave its values."""
    rows, kinds = GONE[values["kind"]], KINDS[values["kind"]]
    if not values.get("semantic_conditioning"):
        values.pop("detach_semantics", None)  # it had no effect
    gone = {name: values.pop(name) for name in rows if name in values}
    for column, kind in enumerate(kinds):
        if all(rows[name][column] == value for name, value in gone.items()):
            return kind
    name, value = next(x for x in gone.items() if x[1] != rows[x[0]][0])
    raise ValueError(
        f"{name} is {value!r}, which no network of this version has with the other "
        "values of the config"
    )

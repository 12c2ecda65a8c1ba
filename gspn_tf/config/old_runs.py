"""A `config.json` of an earlier version as one of this version.

Options that only reproduced the release are now the `kind` of a network, and options
that nothing used are gone. A network whose fields that are gone have the values of a
kind is one of that kind now; where they are a mixture, it cannot be made any more.
"""

from typing import Any

# Fields that are gone and had no other value in any preset.
UNUSED: dict[str, dict[str, Any]] = {
    "gspn": {
        "context_spheres": "seed",
        "context_color": True,
        "detach_semantics": False,
        "generation_unit": "half_diagonal",
        "kl_divergence": "prior_posterior",
        "kl_reduction": "mean",
    },
    "rpointnet": {"train_proposals": False},
    "sgpn": {"exported_score": "ranking"},
}
# Fields that are gone, with their values in networks of each kind.
RELEASED_GSPN = {
    "point_confidence": False,
    "objectness_loss": "softmax",
    "best_seeds": "all",
    "flat_variance": "batch",
}
KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "gspn": {
        "gspn": {
            "point_confidence": True,
            "objectness_loss": "binary",
            "best_seeds": "none",
            "flat_variance": "sample",
        },
        "released_gspn": RELEASED_GSPN,
        "released_literal_gspn": RELEASED_GSPN | {"best_seeds": "first"},
    },
    "rpointnet": {
        "rpointnet": {
            "filler_regions": "proposals",
            "head_layers": "separate",
            "exported_score": "ranking",
            "flat_variance": "sample",
        },
        "released_rpointnet": {
            "filler_regions": "empty",
            "head_layers": "shared",
            "exported_score": "released",
            "flat_variance": "batch",
        },
    },
    "sgpn": {"sgpn": {}},
}


def upgrade(data: Any) -> Any:
    """Values of a config of this or an earlier version, as this version has them.

    Args:
      data: contents of a JSON file, a dict for each dataclass; left as it is.

    Raises:
      ValueError: a field that is gone has a value that no network can have here.
    """
    if not isinstance(data, dict):
        return data
    values = {name: upgrade(value) for name, value in data.items()}
    kinds = KINDS.get(values.get("kind", ""), {})
    if kinds:
        values["kind"] = _kind_of(values, kinds)
    return values


def _kind_of(values: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> str:
    """The kind that a network has now; fields that are gone leave its values."""
    old = values["kind"]
    if not values.get("semantic_conditioning"):
        values.pop("detach_semantics", None)  # it had no effect
    for name, value in UNUSED.get(old, {}).items():
        if (found := values.pop(name, value)) != value:
            raise ValueError(f"{name} is {found!r}, which no network has any more")
    gone = {name: values.pop(name) for name in kinds[old] if name in values}
    for kind, wanted in kinds.items():
        if all(wanted[name] == value for name, value in gone.items()):
            return kind
    name, value = next(x for x in gone.items() if x[1] != kinds[old][x[0]])
    if all(value != wanted[name] for wanted in kinds.values()):
        raise ValueError(f"{name} is {value!r}, which no network has any more")
    raise ValueError(
        f"{name} is {value!r}, which this version has only in the released networks, "
        f"with the other values of the release: {list(kinds)[1:]}"
    )

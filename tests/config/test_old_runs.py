"""A config.json of an earlier version is one of this version, or a clear error."""

import json

import pytest

from gspn_tf import config as c
from gspn_tf.config import old_runs, presets

PLAIN = {
    "context_spheres": "seed",
    "context_color": True,
    "generation_unit": "half_diagonal",
    "kl_divergence": "prior_posterior",
    "kl_reduction": "mean",
    "point_confidence": True,
    "objectness_loss": "binary",
    "best_seeds": "none",
    "flat_variance": "sample",
}
RELEASED = PLAIN | {
    "detach_semantics": False,
    "point_confidence": False,
    "objectness_loss": "softmax",
    "best_seeds": "all",
    "flat_variance": "batch",
}
LITERAL = RELEASED | {"best_seeds": "first"}
HEADS = {
    "filler_regions": "proposals",
    "head_layers": "separate",
    "exported_score": "ranking",
    "flat_variance": "sample",
    "train_proposals": False,
}
RELEASED_HEADS = HEADS | {
    "filler_regions": "empty",
    "head_layers": "shared",
    "exported_score": "released",
    "flat_variance": "batch",
}
GSPN = {  # preset: the fields of its proposal network that are gone
    "paper": PLAIN | {"detach_semantics": True},
    "small": PLAIN | {"detach_semantics": False},
    "released": RELEASED,
    "released_literal": LITERAL,
}


def old_config(preset: str, **changes) -> dict:
    """The contents of a config.json as it was before networks had kinds."""
    data = json.loads(c.to_json(c.Config(model=presets.PRESETS[preset]())))
    heads = RELEASED_HEADS if preset.startswith("released") else HEADS
    of_heads = {name: changes.pop(name) for name in set(heads) & set(changes)}
    model = data["model"]
    model |= {"kind": "rpointnet"} | heads | of_heads
    model["proposal"] |= {"kind": "gspn"} | GSPN[preset] | changes
    return data


def read(data: dict, tmp_path) -> c.Config:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    return c.read_config(path)


@pytest.mark.parametrize("preset", GSPN)
def test_old_runs_of_every_preset_are_those_of_this_version(preset, tmp_path):
    found = read(old_config(preset), tmp_path)
    assert found.model == presets.PRESETS[preset]()


@pytest.mark.parametrize("name", PLAIN)
def test_a_field_may_be_missing(name, tmp_path):
    data = old_config("released")
    del data["model"]["proposal"][name]
    assert read(data, tmp_path).model == presets.released()


def test_a_config_of_this_version_stays(tmp_path):
    config = c.Config(model=presets.released_literal())
    data = json.loads(c.to_json(config))
    assert old_runs.upgrade(data) == data
    assert read(data, tmp_path) == config


@pytest.mark.parametrize(
    "preset, changes, message",
    [
        ("small", {"best_seeds": "all"}, "best_seeds is 'all', .* released networks"),
        ("released", {"best_seeds": "none"}, "point_confidence is False, .* only"),
        ("small", {"exported_score": "class"}, "exported_score is 'class', which no"),
        ("small", {"kl_reduction": "sum"}, "kl_reduction is 'sum', which no network"),
        ("small", {"unheard_of": 3}, r"GSPNConfig has no field \['unheard_of'\]"),
    ],
)
def test_a_mixture_is_one_clear_error(preset, changes, message, tmp_path):
    with pytest.raises(ValueError, match=f"config.json: {message}") as caught:
        read(old_config(preset, **changes), tmp_path)
    assert "\n" not in str(caught.value)

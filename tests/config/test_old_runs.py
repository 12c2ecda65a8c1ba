"""A config.json of an earlier version is one of this version, or a clear error."""

import json

import pytest

from gspn_tf import config as c
from gspn_tf.config import old_runs, presets


def old_config(preset: str, **changes) -> dict:
    """The contents of a config.json as it was before networks had kinds."""
    data = json.loads(c.to_json(c.Config(model=presets.PRESETS[preset]())))
    for kind, values in (
        ("gspn", data["model"]["proposal"]),
        ("rpointnet", data["model"]),
    ):
        column = old_runs.KINDS[kind].index(values["kind"])
        gone = {name: row[column] for name, row in old_runs.GONE[kind].items()}
        gone |= {name: changes[name] for name in set(gone) & set(changes)}
        values |= gone | {"kind": kind}
    return data


def read(data: dict, tmp_path) -> c.Config:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    return c.read_config(path)


@pytest.mark.parametrize(
    "preset, changes",
    [
        ("paper", {"detach_semantics": True}),  # it had no effect
        ("small", {}),
        ("released", {}),
        ("released_literal", {}),
    ],
)
def test_old_runs_of_every_preset_are_those_of_this_version(preset, changes, tmp_path):
    data = old_config(preset, **changes)
    assert read(data, tmp_path).model == presets.PRESETS[preset]()
    del data["model"]["proposal"]["objectness_loss"]  # of a version before it
    assert read(data, tmp_path).model == presets.PRESETS[preset]()


def test_a_config_of_this_version_stays(tmp_path):
    config = c.Config(model=presets.released_literal())
    data = json.loads(c.to_json(config))
    assert old_runs.upgrade(data) == data
    assert read(data, tmp_path) == config
    data["model"]["proposal"]["unheard_of"] = 3
    with pytest.raises(ValueError, match=r"GSPNConfig has no field \['unheard_of'\]"):
        read(data, tmp_path)


@pytest.mark.parametrize(
    "preset, changes, message",
    [
        ("small", {"best_seeds": "all"}, "best_seeds is 'all', which no network"),
        ("released", {"best_seeds": "none"}, "point_confidence is False, which no"),
        ("small", {"exported_score": "class"}, "exported_score is 'class', which no"),
    ],
)
def test_a_mixture_is_one_clear_error(preset, changes, message, tmp_path):
    with pytest.raises(ValueError, match=f"config.json: {message}") as caught:
        read(old_config(preset, **changes), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("schedule, stair", [("staircase", 300), ("cosine", 0)])
def test_batch_normalisation_goes_on_as_its_stage_had_it(schedule, stair, tmp_path):
    stage = c.StageConfig(schedule=schedule, decay_steps=300)
    config = c.Config(train=c.TrainConfig(gspn=stage))
    data = json.loads(c.to_json(config))
    del data["model"]["proposal"]["backbone"]["norm_decay_steps"]
    assert read(data, tmp_path).model.proposal.backbone.norm_decay_steps == stair


def test_augmentation_of_an_earlier_version():
    old = {"num_points": 9, "rotate": False, "translate_std": 0.5, "color_jitter": 0.1}
    options = c.from_dict(c.DataConfig, old)
    expected = c.AugmentationConfig(rotation=0.0, translation=0.5, color_jitter=0.1)
    assert options == c.DataConfig(num_points=9, augmentation=expected)
    assert c.from_dict(c.DataConfig, {"translate_std": 1.0}) == c.DataConfig()


@pytest.mark.parametrize("old, new", [(1.0, ()), (0.125, (0.125, 0.125))])
def test_all_levels_had_one_share(old, new):
    data = {"num_centers": [64, 16], "radii": [0.2, 0.4], "center_share": old}
    backbone = c.from_dict(c.BackboneConfig, data)
    assert backbone.center_shares == new and backbone.num_centers == (64, 16)

import dataclasses as dc
import runpy
from operator import attrgetter

import pytest

from gspn_tf import config as c
from gspn_tf.config import loading as config_loading
from gspn_tf.config import presets

VARIANTS = [
    f"{name}.py:{variant}"
    for name in ("rooms", "indoor", "scannet", "parts", "partnet", "nyuv2", "views")
    for variant in ("small", "paper")
]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_consistent_and_survives_json(name, tmp_path):
    config = config_loading.load_config(f"configs/{name}")
    path = tmp_path / "config.json"
    path.write_text(c.to_json(config))
    assert config_loading.load_config(str(path)) == config
    proposal = config.model.proposal
    values = dc.astuple(proposal.backbone)
    lengths = {len(value) for value in values if isinstance(value, tuple)}
    assert lengths - {len(())} == {len(proposal.backbone.radii)}  # shares may be none
    assert len(proposal.context_radii) == len(proposal.context_neighbors)


@pytest.mark.parametrize("name", ["rooms", "scannet"])
def test_rivals_have_the_backbone_and_the_epochs_of_both_stages(name):
    for rival, whole in (("sgpn", "small"), ("sgpn_paper", "paper")):
        found = config_loading.load_config(f"{name}.py:{rival}")
        given = config_loading.load_config(f"{name}.py:{whole}")
        assert found.model.backbone == given.model.proposal.backbone
        epochs = given.train.gspn.epochs + given.train.rpointnet.epochs
        assert found.train.sgpn.epochs == epochs and found.data == given.data


def test_a_path_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config_loading.load_config("configs/rooms.py:small").train.batch_size > 0
    assert config_loading.find_config("configs/classes/scannet.txt").is_file()
    (tmp_path / "configs").mkdir()
    own = "from gspn_tf.config import Config\ndef get_config():\n    return Config()\n"
    (tmp_path / "configs" / "rooms.py").write_text(own)
    assert config_loading.load_config("configs/rooms.py") == c.Config()


@pytest.mark.parametrize(
    "argument, path, value",
    [
        ("--config.model.proposal.num_seeds=64", "model.proposal.num_seeds", 64),
        ("--config.train.gspn.schedule=staircase", "train.gspn.schedule", "staircase"),
        ("--config.data.cache", "data.cache", True),
        ("--config.model.box_deviation=(.2,.3)", "model.box_deviation", (0.2, 0.3)),
        (
            "--config.model.proposal.backbone.abstraction_units=((4,8),(8,))",
            "model.proposal.backbone.abstraction_units",
            ((4, 8), (8,)),
        ),
    ],
)
def test_a_field_is_set(argument, path, value):
    config = config_loading.load_config("configs/rooms.py:small")
    changed = config_loading.override(config, ["--config.train.seed=1", argument])
    assert attrgetter(path)(changed) == value
    assert attrgetter(path)(config) != value  # a copy


ABLATIONS = runpy.run_path(config_loading.find_config("ablations.py"))["ABLATIONS"]


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_changes_what_it_names_alone(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # found in the package
    whole = config_loading.load_config("configs/rooms.py:small")
    ablated = config_loading.load_config(f"configs/rooms.py:small+{name}")
    _, changed = presets.nearest_preset(ablated.model)
    assert {f"model.{path}" for path in changed} == set(ABLATIONS[name])
    for path, value in ABLATIONS[name].items():
        old, new = (attrgetter(path)(config) for config in (whole, ablated))
        assert new == (old[-1:] if callable(value) else value)
    assert whole.data == ablated.data and whole.train == ablated.train


def test_ablations_are_chained_and_may_be_of_a_run(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(c.to_json(config_loading.load_config("rooms.py:small")))
    config = config_loading.load_config(f"{path}:+one_context+no_center")
    assert config == config_loading.load_config("rooms.py:+one_context+no_center")
    proposal = config.model.proposal
    assert (proposal.context_neighbors, proposal.center_network) == ((96,), "none")


def test_an_ablation_of_another_model_is_one_clear_error():
    @dc.dataclass
    class Other:
        kind: str = "other"

    message = (
        "ablation 'no_pretraining' sets config.model.semantic_training, "
        "which a model of kind 'other' does not have"
    )
    with pytest.raises(ValueError, match=message):
        config_loading.ablate(c.Config(model=Other()), "no_pretraining")


@pytest.mark.parametrize(
    "argument, message",
    [
        ("--config.model.proposal.num_sedes=6", "no field 'num_sedes' .*num_seeds"),
        ("--config.train.batch_size=abc", "train.batch_size must be int, got 'abc'"),
        ("--config.train.gspn.clip_norm=x", "clip_norm must be float, got 'x'"),
        ("--config.train.gspn.schedule=linear", "must be one of .*'cosine'.*'linear'"),
        ("--config.data.cache=perhaps", "data.cache must be bool, got 'perhaps'"),
        ("--config.model.proposal=3", "model.proposal must be GSPNConfig"),
        ("--config.model.head_units=('a',)", r"head_units must be tuple\[int, ...\]"),
        ("--config.model.box_deviation=(1,)", r"must be tuple\[float, float\]"),
    ],
)
def test_a_wrong_field_is_one_clear_error(argument, message):
    with pytest.raises(ValueError, match=message) as caught:
        config_loading.override(c.Config(), [argument])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, kind, message",
    [
        ("configs/nothing.py", FileNotFoundError, "no config file .*rooms.py"),
        ("configs/rooms.py:large", ValueError, "no variant 'large', has .*small"),
        ("rooms.py:small+", ValueError, "no ablation ''"),
    ],
)
def test_a_wrong_file_is_one_clear_error(name, kind, message):
    with pytest.raises(kind, match=message):
        config_loading.load_config(name)


@pytest.mark.parametrize(
    "text, message",
    [
        ("x = 1\n", "defines no get_config"),
        ("def get_config():\n    return 3\n", "must return a Config, got int"),
        (
            "from gspn_tf.config import Config, TrainConfig\n"
            "def get_config():\n    return Config(train=TrainConfig(batch_size='2'))\n",
            "config.train.batch_size must be int, got '2'",
        ),
    ],
)
def test_a_malformed_file_is_one_clear_error(text, message, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        config_loading.load_config(str(path))

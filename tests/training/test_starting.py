"""Fine-tuning of presets: real networks, as toys have no presets."""

import dataclasses as dc
import io

import numpy as np
import pytest
from rich.console import Console

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.config.loading import load_config
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.training.starting import Start, start_weights

CLASSES = [(3, "cabinet"), (4, "bed"), (5, "chair")]
DATA = c.DataConfig(num_points=256, num_points_inference=256, density=64.0)


@pytest.fixture(scope="module")
def preset(sure_network, tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "rooms"
    sure_network.save_to_preset(path, CLASSES, DATA)
    return path


@pytest.fixture
def run(tiny_config, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(c.Config(model=tiny_config), CLASSES)
    return folder


def of_a_stage(tiny_config) -> tuple[c.RPointNetConfig, c.SemanticConfig]:
    proposal = dc.replace(tiny_config.proposal, semantic_stage=True)
    whole = dc.replace(tiny_config, proposal=proposal)
    first, *_ = whole.stages().values()
    return whole, first


def differing(left, right) -> list[str]:
    pairs = zip(left.weights, right.weights, strict=True)
    return [a.path for a, b in pairs if not np.array_equal(a.numpy(), b.numpy())]


def test_stage_two_of_a_preset_brings_stage_one(preset, run, tiny_config, sure_network):
    start = Start.find(preset)
    model = models.build(tiny_config)
    start_weights(model, "rpointnet", run, start, Console(quiet=True))
    assert not differing(model, sure_network)
    proposals = models.build(tiny_config.proposal)
    proposals.load_weights(run.weights("gspn"))
    assert not differing(proposals, sure_network.proposal_network)


def test_layers_of_other_classes_start_anew(preset, tiny_config, sure_network, run):
    config = dc.replace(tiny_config.proposal, num_classes=3)
    log, model = io.StringIO(), models.build(config)
    run.start(c.Config(model=dc.replace(tiny_config, proposal=config)), CLASSES[:2])
    assert Start.find(preset).load("gspn", model, run, Console(file=log))
    assert "has other classes: semantic_output start anew" in log.getvalue()
    anew = {weight.path for weight in model.semantic_output.weights}
    assert set(differing(model, sure_network.proposal_network)) == anew


def test_a_preset_of_another_network_is_refused(preset, run, tiny_config):
    wider = dc.replace(tiny_config.proposal, prior_units=(17,))
    start = Start.find(preset)
    with pytest.raises(ValueError, match=f"^{preset} does not fit this config's netw"):
        start.load("gspn", models.build(wider), run, Console(quiet=True))


def test_a_preset_without_classes_cannot_be_tuned(sure_network, tmp_path):
    sure_network.save_to_preset(tmp_path)
    with pytest.raises(ValueError, match=f"{tmp_path} does not tell its classes"):
        Start.find(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder indor, nor a preset"):
        Start.find("indor")


def test_the_config_of_a_preset_is_one_to_tune_with(preset, tiny_config, sure_network):
    config = load_config(str(preset / "config.json"))
    assert (config.model, config.data) == (tiny_config, DATA)
    assert config.train.gspn.learning_rate < c.StageConfig().learning_rate
    proposals = preset.parent / "proposals"
    sure_network.proposal_network.save_to_preset(proposals, CLASSES, DATA)
    with pytest.raises(ValueError, match="it makes proposals alone: give --config"):
        load_config(str(proposals / "config.json"))
    (proposals / "config.json").write_text('{"class_name": 3}')
    with pytest.raises(ValueError, match="config.json is not a readable preset's"):
        load_config(str(proposals / "config.json"))


def test_stage_one_takes_the_semantic_network_that_came_before(run, tiny_config):
    config, first = of_a_stage(tiny_config)
    assert list(config.stages()) == ["semantic", "gspn", "rpointnet"]
    network, model = models.build(first), models.build(config.proposal)
    with pytest.raises(ValueError, match="semantic.weights.h5 is missing; train stage"):
        start_weights(model, "gspn", run, None, Console(quiet=True))
    network.save_weights(run.weights("semantic"))
    before = [weight.numpy() for weight in model.proposer.weights]
    start_weights(model, "gspn", run, None, Console(quiet=True))
    for theirs, own in zip(network.semantic_layers, model.semantic_layers, strict=True):
        assert not differing(theirs, own)
    for old, new in zip(before, model.proposer.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_preset_brings_its_semantic_network(preset, run, tiny_config, sure_network):
    config, first = of_a_stage(tiny_config)
    start, network = Start.find(preset), models.build(first)
    start_weights(network, "semantic", run, start, Console(quiet=True))
    source = sure_network.proposal_network
    pairs = zip(network.semantic_layers, source.semantic_layers, strict=True)
    assert not any(differing(*pair) for pair in pairs)
    model = models.build(config.proposal)
    start_weights(model, "gspn", run, start, Console(quiet=True))
    assert not differing(model, source)

"""README's example in Python trains as `gspn train` does."""

import dataclasses as dc
import re
from pathlib import Path

import keras
import pytest

import gspn_tf
from gspn_tf import config as c
from gspn_tf.training import loop as training

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
EXAMPLE, *_ = re.findall(r"```python\n(import gspn_tf as gspn.*?)```", README, re.S)
ONE_STAGE = """
heads = gspn.SGPN(config.model)
steps = config.train.sgpn.epochs * len(batches)
heads.compile(gspn.optimizer(config, total_steps=steps))
heads.fit(batches, epochs=config.train.sgpn.epochs, shuffle=False)
"""
STAGE_TWO, *_ = re.findall(r"```python\n(heads = .*?)```", README, re.S)


@pytest.mark.slow
def test_the_example_trains_as_the_command(
    tiny_config, data_dir, tmp_path, monkeypatch
):
    backbone = dc.replace(tiny_config.proposal.backbone, norm_decay_steps=2)
    proposal = dc.replace(tiny_config.proposal, kl_warmup_steps=4, backbone=backbone)
    config = c.Config(
        model=dc.replace(tiny_config, proposal=dc.replace(proposal, num_classes=3)),
        data=c.DataConfig(num_points=32, num_points_inference=32, num_shape_points=8),
        train=c.TrainConfig(gspn=c.StageConfig(epochs=3, schedule="cosine")),
    )
    monkeypatch.chdir(tmp_path)
    Path("datasets").mkdir()
    Path("datasets/rooms").symlink_to(data_dir)
    monkeypatch.setitem(vars(gspn_tf), "load_config", lambda _: config)
    keras.utils.set_random_seed(config.train.seed)
    names: dict = {}
    exec(EXAMPLE, names)  # noqa: S102
    network, history = names["network"], names["network"].history.history
    assert Path("network.keras").is_file() and 0 < history["val_proposal_miou"][-1] < 1
    assert int(network.steps) == 6 and float(network.kl_weight) > 0.5

    fresh = training.initial_model("gspn", config)
    pairs = [
        [w.numpy() for w in model.proposer.vae.prior.trainable_weights]
        for model in (network, fresh)
    ]
    assert all((new != old).any() for new, old in zip(*pairs, strict=True))

    batches = gspn_tf.data.load(
        str(data_dir), "train", config.data, batch_size=2, training=True, seed=0
    )
    monkeypatch.setattr(training.Scenes, "epoch", lambda *_: batches)
    run = gspn_tf.train(config, data_dir, tmp_path / "run", stages=("gspn",))
    for name in ("loss", *network.loss_names):
        rows = [float(row[name]) for row in run.read_metrics("gspn")]
        assert rows == pytest.approx(history[name], rel=1e-4), name


@pytest.mark.long
@pytest.mark.parametrize("stage", ["rpointnet", "sgpn"])
def test_the_other_networks_train_as_the_command(
    stage, tiny_config, tiny_sgpn, data_dir, tmp_path, monkeypatch
):
    proposal = dc.replace(tiny_config.proposal, num_classes=3)
    model = dc.replace(tiny_config, proposal=proposal)
    if stage == "sgpn":
        model = dc.replace(tiny_sgpn, num_classes=3)
    options = c.StageConfig(epochs=3, schedule="cosine")
    config = c.Config(
        model=model,
        data=c.DataConfig(num_points=32, num_points_inference=32, num_shape_points=8),
        train=c.TrainConfig(rpointnet=options, sgpn=options, gspn=options),
    )

    def load():
        return gspn_tf.data.load(
            str(data_dir), "train", config.data, batch_size=2, training=True, seed=0
        )

    for each in config.model.stages():
        batches = load()  # of which each epoch is another
        monkeypatch.setattr(training.Scenes, "epoch", lambda *_, of=batches: of)
        run = gspn_tf.train(config, data_dir, tmp_path / "run", stages=(each,))

    names = {"gspn": gspn_tf, "config": config, "batches": load()}
    if stage == "rpointnet":
        names["network"] = gspn_tf.GSPN(proposal)
        names["network"].load_weights(run.weights("gspn"))
    keras.utils.set_random_seed(config.train.seed)
    exec(STAGE_TWO if stage == "rpointnet" else ONE_STAGE, names)  # noqa: S102
    network = names["heads"]
    for name in ("loss", *network.loss_names):
        rows = [float(row[name]) for row in run.read_metrics(stage)]
        assert rows == pytest.approx(network.history.history[name], rel=1e-4), name

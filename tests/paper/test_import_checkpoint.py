"""Checkpoints of the released model: what is taken, and what is refused.

They are written here, from networks of a few channels in the layout of the release;
the parity tests read the recorded one.
"""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.commands import main as cli
from gspn_tf.inference import segmenter as inference
from gspn_tf.paper.release import names as release_names
from gspn_tf.training import loop as training
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.training.starting import Start

ONE = "shape_proposal_net"
UPCONV = f"{ONE}/decoder/upconv1"


@pytest.fixture(scope="module")
def config(tiny_config) -> c.Config:
    proposal = dc.replace(
        tiny_config.proposal,
        kind="released_gspn",
        semantic_conditioning=True,
        generator_context_units=256,
    )
    return c.Config(
        model=dc.replace(tiny_config, proposal=proposal, kind="released_rpointnet")
    )


@pytest.fixture(scope="module")
def network(config) -> models.RPointNet:
    """A network that has no two weights alike."""
    model, rng = models.build(config.model), np.random.default_rng(0)
    for weight in release_names.weights(model):
        weight.variable.assign(rng.uniform(0.5, 2, weight.variable.shape))
    return model


def released(model) -> dict[str, np.ndarray]:
    """The variables that the release would have, and its optimiser's."""
    values, rng = {}, np.random.default_rng(1)
    for weight in release_names.weights(model):
        numbers = np.arange(np.prod(weight.shape)).reshape(weight.shape)
        theirs = np.empty(numbers.size, np.float32)
        theirs[weight.arrange(numbers).ravel()] = weight.variable.numpy().ravel()
        theirs = theirs.reshape(weight.shape)
        if weight.bias:
            values[weight.bias] = np.float32(rng.normal(size=weight.shape))
            theirs = theirs + values[weight.bias]
        # Kernels of 1x1 convolutions have leading ones.
        values[weight.name] = theirs[None, None] if theirs.ndim == 2 else theirs
    values |= {f"{name}/{slot}": x for name, x in values.items() for slot in SLOTS}
    values[f"{UPCONV}/weights"] = np.ones((3, 3, 16, 16), np.float32)
    return values | {"beta1_power": np.float32(0.1), "Variable": np.int64(7)}


SLOTS = ("Adam", "Adam_1")


def write(path, values: dict[str, np.ndarray]) -> str:
    """A checkpoint called `path`."""
    names = list(values)
    tf.raw_ops.SaveV2(
        prefix=str(path),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, config, network):
    """`tiny.json`, `classes.txt` of three, and `model.ckpt`."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "tiny.json").write_text(c.to_json(config))
    (folder / "classes.txt").write_text("5 chair\n7 table\n4 bed\n")
    write(folder / "model.ckpt", released(network))
    return folder


def convert(folder, checkpoint, output, *arguments) -> int:
    flags = {"config": "tiny.json", "classes": "classes.txt"}
    named = [f"--{name}={folder / file}" for name, file in flags.items()]
    fixed = ["import-checkpoint", str(checkpoint), f"--output={output}", *named]
    return cli.main([*fixed, *arguments])


def assert_same(ours: keras.Model, theirs: keras.Model) -> None:
    pairs = zip(release_names.weights(ours), release_names.weights(theirs), strict=True)
    for a, b in pairs:
        # A bias was added to the moving means, and taken off.
        tolerance = 2e-6 if a.bias else 0
        difference = np.abs(a.variable.numpy() - b.variable.numpy()).max()
        assert difference <= tolerance, a.name


def test_a_checkpoint_becomes_a_run(folder, network, config, tmp_path, capsys):
    checkpoint = folder / "model.ckpt.data-00000-of-00001"
    assert convert(folder, checkpoint, tmp_path / "run") == 0
    assert "both stages" in capsys.readouterr().out
    model, found, classes = inference.load_run(tmp_path / "run")
    assert_same(model, network)
    assert found == config and classes == [(5, "chair"), (7, "table"), (4, "bed")]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "classes.json",
        "config.json",
        "gspn.weights.h5",
        "rpointnet.weights.h5",
        "versions.json",
    ]
    gspn = models.build(config.model.proposal)
    gspn.load_weights(RunFolder(tmp_path / "run").weights("gspn"))
    assert_same(gspn, network.proposal_network)


def test_stage_one_alone_is_a_start_for_stage_two(
    folder, network, config, tmp_path, capsys
):
    values = released(network)
    heads = [name for name in values if release_names.OF_HEADS.match(name)]
    one = {name: x for name, x in values.items() if name not in heads}
    checkpoint = write(tmp_path / "one.ckpt", one)
    assert convert(folder, checkpoint, tmp_path / "run") == 0
    assert "stage one alone" in capsys.readouterr().out
    init, run = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "next")
    assert init.weights("gspn").exists() and not init.weights("rpointnet").exists()
    run.start(init.config(), init.classes())
    model = training.initial_model("rpointnet", config)
    start = Start.find(init.path)
    training.start_weights(model, "rpointnet", run, start, Console(quiet=True))
    assert_same(model.proposal_network, network.proposal_network)


def test_every_weight_is_named_once(network):
    weights = release_names.weights(network)
    named = [id(weight.variable) for weight in weights]
    assert len(set(named)) == len(named)
    others = {v.path for v in network.variables if id(v) not in named}
    others = {path.split("/")[-1] for path in others if "term_means" not in path}
    assert others <= {"steps", "seed_generator_state", "total", "count"}
    names = [name for weight in weights for name in weight.names()]
    assert len(set(names)) == len(names)


def convert_bad(values, folder, tmp_path, capsys) -> list[str]:
    """Convert a checkpoint that must be refused without a trace; what is said of it."""
    checkpoint = write(tmp_path / "bad.ckpt", values)
    before = set(tmp_path.iterdir())
    assert convert(folder, checkpoint, tmp_path / "run") == 1
    lines = capsys.readouterr().err.splitlines()
    assert "bad.ckpt" in lines[0] and set(tmp_path.iterdir()) == before
    return lines


def test_what_does_not_fit_is_listed(folder, network, tmp_path, capsys):
    values, kernel = released(network), np.ones((1, 8, 9), np.float32)
    for name in (f"{ONE}/dec_fc/bn/beta", f"{UPCONV}/conv2d_transpose/kernel"):
        del values[name]
    wrong = {"fpn1/weights": kernel, "fpn1/biases": np.arange(8)}
    title, *lines = convert_bad(
        values | wrong | {"fpn9/weights": kernel}, folder, tmp_path, capsys
    )
    assert title.endswith("does not fit the config:")
    assert [line.strip() for line in lines] == [
        f"missing: {ONE}/dec_fc/bn/beta [256]",
        f"missing: {UPCONV}/conv2d_transpose/kernel [3, 3, 16, 264]",
        "wrong: fpn1/weights must be float32 [11, 8], is float32 [1, 8, 9]",
        "wrong: fpn1/biases must be float32 [8], is int64 [8]",
        "unknown: fpn9/weights [1, 8, 9]",
    ]


def test_values_that_are_not_finite(folder, network, tmp_path, capsys):
    values = released(network) | {"fpn1/biases": np.float32([1, np.nan] * 4)}
    (line,) = convert_bad(values, folder, tmp_path, capsys)
    assert "is not finite in fpn1/biases" in line


@pytest.mark.parametrize("name", ["resnet/conv1/kernel", "global_step"])
def test_a_checkpoint_of_another_network(name, folder, tmp_path, capsys):
    (line,) = convert_bad({name: np.float32([3])}, folder, tmp_path, capsys)
    assert "not of the released model: of its 1 variables none has a name like" in line


def empty(path):
    path.write_bytes(b"")


def flip(path):
    values = bytearray(path.read_bytes())
    values[len(values) // 2] ^= 1
    path.write_bytes(values)


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("damage", [empty, flip])
def test_a_damaged_file_is_named(damage, suffix, folder, tmp_path, capsys):
    for path in folder.glob("model.ckpt.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damage(tmp_path / f"model.ckpt.{suffix}")
    assert convert(folder, tmp_path / "model.ckpt", tmp_path / "run") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"model.ckpt.{suffix[:4]}" in line and "truncated or damaged" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "checkpoint, arguments, message",
    [
        ("none.ckpt", [], "no checkpoint {0}/none.ckpt: no file {0}/none.ckpt.index"),
        ("tiny.json", [], "no checkpoint {0}/tiny.json"),
        ("", [], "no checkpoint {0}: no file {0}.index"),
        ("model.ckpt", ["--output={0}"], "--output {0} exists"),
        (
            "model.ckpt",
            [
                "--config=configs/scannet.py:paper",
                "--config.model.proposal.num_classes=4",
            ],
            "the config lacks layers of the release: proposer.vae.context.mlp; give ",
        ),
        (
            "model.ckpt",
            ["--config=scannet.py:released"],
            "--classes must have 18 classes, as the config's network without the "
            "background, got 3",
        ),
    ],
)
def test_what_cannot_be_converted(
    checkpoint, arguments, message, folder, tmp_path, capsys
):
    arguments = [argument.format(folder) for argument in arguments]
    assert convert(folder, folder / checkpoint, tmp_path / "run", *arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message.format(folder) in line
    assert not list(tmp_path.iterdir())

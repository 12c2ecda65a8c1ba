"""From the files of every data set to two epochs of both stages, by the commands."""

import csv
import io
import math

import pytest
import toy_frames
import toy_models
import toy_scannet
import toy_scenes
import toy_shapes

from gspn_tf import config as c
from gspn_tf.commands import main as cli
from gspn_tf.training import loop as training


def stools(folder) -> None:
    for name in ("7", "8", "9"):
        toy_shapes.write_stool(folder, name)


FILES = {
    "scannet": toy_scannet.write_source,
    "partnet": stools,
    "nyuv2": toy_frames.write_source,
    "own": lambda folder: toy_scenes.write_own_scans(folder, 3),
}
COMMANDS = {
    "scannet": "--source {0}",
    "partnet": "--source {0} --category Stool --level 1",
    "nyuv2": "--source {0}/labeled.mat",
    "own": "--source {0} --classes {0}/classes.txt",
    "rooms": "--train 2 --val 1 --test 0 --points 20000",
    "parts": "--train 2 --val 1 --test 0",
    "views": "--train 2 --val 1 --test 0",
}


def gspn(words: str) -> int:
    return cli.main(words.split())


QUICK = "own"
SLOW = [pytest.param(n, marks=pytest.mark.slow) for n in COMMANDS if n != QUICK]


@pytest.mark.parametrize("name", [QUICK, *SLOW])
def test_two_epochs_of_every_source(name, tmp_path, monkeypatch):
    monkeypatch.setattr(training.models, "build", toy_models.build)
    (tmp_path / "config.json").write_text(c.to_json(toy_models.config(epochs=2)))
    source, data, run = (tmp_path / each for each in ("source", "data", "run"))
    if name in FILES:
        FILES[name](source)
    words = COMMANDS[name].format(source)
    assert gspn(f"prepare {name} {words} --output {data} --jobs 1") == 0
    words = f"--config={tmp_path}/config.json --data {data} --run {run}"
    assert gspn(f"train {words}") == 0
    text = (run / "metrics.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    epochs = [(row["stage"], row["epoch"]) for row in rows]
    assert epochs == [(s, e) for s in ("gspn", "rpointnet") for e in ("1", "2")]
    assert all(math.isfinite(float(row["loss"])) for row in rows)

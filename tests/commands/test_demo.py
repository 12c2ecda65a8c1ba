"""The demo as a whole, with a network of a few weights."""

import dataclasses as dc
import json

import pytest
from command_line import gspn

from gspn_tf import config as c
from gspn_tf.commands import demo

KEYS = (
    *("AP", "AP50", "AP25", "proposal_miou", "proposal_miou_untrained", "seconds"),
    *("components_ap50", "seed", "scores", "data_sha256"),
)


@pytest.mark.slow
def test_demo_leaves_a_report(tmp_path, tiny_config, capsys):
    stage, proposal = c.StageConfig(epochs=1), tiny_config.proposal
    config = c.Config(
        model=dc.replace(tiny_config, proposal=dc.replace(proposal, num_classes=19)),
        data=c.DataConfig(num_points=256, num_points_inference=256),
        train=c.TrainConfig(batch_size=2, gspn=stage, rpointnet=stage),
    )
    (tmp_path / "tiny.json").write_text(c.to_json(config))
    output, rooms = tmp_path / "demo", {"train": 2, "val": 1, "test": 1}
    counts = [f"--{split}={count}" for split, count in rooms.items()]
    command = ("demo", "--config", tmp_path / "tiny.json", "--output", output)
    assert gspn(*command, *counts, "--seed=7") == 0
    assert "about" in capsys.readouterr().out

    metrics = json.loads((output / "metrics.json").read_text())
    assert set(metrics) >= set(KEYS) and metrics["seed"] == 7
    assert metrics["protocol"] == "scannet" and metrics["split"] == "test"
    report = (output / "report.html").read_text()
    assert "GSPN" in report and "data:image/png;base64" in report
    pages = ("sample/index.html", "segmented/index.html", "evaluation/evaluation.html")
    for page in pages:
        assert page in report and (output / page).is_file()
    assert list((output / "saved_model").glob("*/saved_model.pb"))

    # Started again with the same settings it keeps what is there, else it starts anew.
    settings, config.train.seed = {"seed": 7, "rooms": rooms}, 7
    demo.keep_or_remove(output, settings, config)
    assert (output / "data").exists() and (output / "run").exists()
    demo.keep_or_remove(output, settings | {"seed": 8}, config)
    assert not (output / "data").exists() and not (output / "run").exists()


def test_demo_leaves_other_folders_alone(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    assert gspn("demo", f"--output={tmp_path}") == 1
    assert "is no demo's folder" in capsys.readouterr().err
    assert (tmp_path / "data").is_dir()

"""The demo as a whole, with a network of a few weights."""

import dataclasses as dc
import json

import pytest

from gspn_tf import config as c
from gspn_tf.commands import demo
from gspn_tf.commands import main as cli

KEYS = {
    "AP",
    "AP50",
    "AP25",
    "proposal_miou",
    "proposal_miou_untrained",
    "components_ap50",
    "seconds",
    "seed",
}


@pytest.mark.slow
def test_demo_leaves_a_report(tmp_path, tiny_config, capsys):
    stage = c.StageConfig(epochs=1)
    config = c.Config(
        model=dc.replace(
            tiny_config, proposal=dc.replace(tiny_config.proposal, num_classes=19)
        ),
        data=c.DataConfig(num_points=256, num_points_inference=256),
        train=c.TrainConfig(batch_size=2, gspn=stage, rpointnet=stage),
    )
    (tmp_path / "tiny.json").write_text(c.to_json(config))
    output = tmp_path / "demo"
    command = ["demo", f"--config={tmp_path / 'tiny.json'}", f"--output={output}"]
    command += ["--train=2", "--val=1", "--test=1", "--seed=7"]
    assert cli.main(command) == 0
    assert "about" in capsys.readouterr().out

    metrics = json.loads((output / "metrics.json").read_text())
    assert set(metrics) >= KEYS and metrics["seed"] == 7
    assert 0 <= metrics["components_ap50"] <= 1
    carried = [metrics[key] for key in ("protocol", "scores", "split")]
    assert (
        carried == ["scannet", "ranked", "test"] and len(metrics["data_sha256"]) == 64
    )
    report = (output / "report.html").read_text()
    assert "GSPN" in report and "data:image/png;base64" in report
    assert (output / "segmented" / "index.html").is_file()
    assert list((output / "saved_model").glob("*/saved_model.pb"))

    # Started again with the same settings it keeps what is there, else it starts anew.
    settings = {"seed": 7, "rooms": {"train": 2, "val": 1, "test": 1}}
    config.train.seed = 7
    demo.keep_or_remove(output, settings, config)
    assert (output / "data").exists() and (output / "run").exists()
    demo.keep_or_remove(output, settings | {"seed": 8}, config)
    assert not (output / "data").exists() and not (output / "run").exists()


def test_demo_leaves_other_folders_alone(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    assert cli.main(["demo", f"--output={tmp_path}"]) == 1
    assert "is no demo's folder" in capsys.readouterr().err
    assert (tmp_path / "data").is_dir()

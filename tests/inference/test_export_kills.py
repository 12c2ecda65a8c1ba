"""Exports that are killed leave whole versions or none."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving.toy_export import export_toy

from gspn_tf import config as config_lib
from gspn_tf.inference.serving import saved_model, triton

ROOT = Path(__file__).resolve().parents[2]
MOMENTS = (1, 2, 3, 5, 7, 9, 11, 13, 15, 16)  # files that are there when it is killed
PROGRAM = """
import sys
sys.path.append("tests/helpers")
from serving.toy_export import export_toy
from gspn_tf import config, models
from gspn_tf.inference.serving import saved_model, triton

loaded = config.read_config(sys.argv[1])
export_toy(models.build(loaded.model), sys.argv[2], globals()[sys.argv[3]])
"""
SAVED = {
    *("assets", "assets.extra", "batching_params.pbtxt", "fingerprint.pb"),
    *("README.txt", "saved_model.pb", "variables"),
}


def assert_whole(version, server):
    if server is triton:
        assert (version.parent / "config.pbtxt").is_file()
        assert {path.name for path in version.iterdir()} == {"model.py", "saved_model"}
        version = version / "saved_model"
    assert {path.name for path in version.iterdir()} == SAVED


@pytest.mark.long
@pytest.mark.parametrize("server", [saved_model, triton])
def test_no_version_is_half(server, sure_network, tmp_path):
    """It is killed at ten moments of the writing, and then not."""
    config = tmp_path / "config.json"
    config.write_text(config_lib.to_json(config_lib.Config(model=sure_network.config)))
    name = server.__name__.rpartition(".")[2]
    folder = tmp_path / "models"
    versions = folder / "gspn" if server is triton else folder
    killed = 0
    for moment in MOMENTS:
        command = [sys.executable, "-c", PROGRAM, config, folder, name]
        with subprocess.Popen(command, cwd=ROOT) as process:
            while process.poll() is None and len(list(folder.rglob("*"))) < moment:
                time.sleep(0.001)
            process.kill()
        killed += process.returncode == -9
        for version in versions.glob("[0-9]*"):
            assert_whole(version, server)
        shutil.rmtree(folder, ignore_errors=True)
    assert killed >= 8  # the last files come within a millisecond
    assert_whole(export_toy(sure_network, folder, server), server)

"""Experiments as a whole, at the budget `smoke`: trained, killed and continued."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gspn_tf.commands import main as cli
from gspn_tf.training.run_folder import RunFolder

SMOKE = ("--budget=smoke", "--seeds=1", "--rows=ours")


def files_of(output: Path) -> dict[Path, int]:
    """When each file of the runs was last written."""
    paths = (path for path in (output / "runs").rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in paths}


def figures(output: Path, table: str) -> dict[str, float]:
    stored = json.loads((output / "tables" / f"{table}.json").read_text())
    (ours,) = (row for row in stored["rows"] if row["row"] == "ours")
    found = {name: each["mean"] for name, each in ours["figures"].items()}
    return {name: value for name, value in found.items() if name != "min"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Table 4, its row "Ours", killed after an epoch and typed again."""
    output = tmp_path_factory.mktemp("whole")
    words = ["experiment", "table4", "--data=rooms", *SMOKE, f"--output={output}"]
    program = [sys.executable, "-m", "gspn_tf.commands.main", *words]
    parent = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    metrics = wait_for(lambda: next(output.glob("runs/*/metrics.csv"), None))
    parent.kill()
    assert parent.wait() == -signal.SIGKILL
    assert len(RunFolder(metrics.parent).read_metrics("gspn")) == 1
    assert not (metrics.parent / "trained.json").exists()
    assert cli.main(words) == 0
    return output


def test_a_row_is_trained_measured_and_tabulated(whole):
    found = figures(whole, "table4-rooms-smoke")
    assert set(found) == {"mIoU", "AP", "AP@0.5", "AP@0.25"}
    assert all(0 <= value <= 1 for value in found.values())
    runs = sorted(path.name for path in (whole / "runs").iterdir())
    assert len(runs) == 2 and runs[0].startswith("rooms-small-seed0-")
    (run,) = (p for p in (whole / "runs").iterdir() if "proposals" not in p.name)
    folder = RunFolder(run)
    assert folder.weights("gspn").is_file() and folder.weights("rpointnet").is_file()
    for stage in ("gspn", "rpointnet"):
        assert len(folder.read_metrics(stage)) == 2
    (measured,) = (json.loads(path.read_text()) for path in run.glob("measured-*"))
    assert set(measured) >= {"figures", "config", "seconds", "versions", "machine"}
    assert set(measured["seconds"]) == {"gspn", "rpointnet", "measuring"}
    assert set(measured["data"]["rooms"]) == {"training", "measured"}
    page = (whole / "tables" / "table4-rooms-smoke.html").read_text()
    assert "Ours: rpointnet on rooms: training" not in page and "image/svg+xml" in page


def test_what_is_finished_is_not_done_again(whole, capsys):
    before = files_of(whole)
    command = ["experiment", "table4", "--data=rooms", *SMOKE, f"--output={whole}"]
    assert cli.main([*command, "--at_once=1"]) == 0
    shown = capsys.readouterr().out
    assert "| Ours |" in shown and f"--output={whole} --at_once=1\n" in shown
    # Table 5's row is stage one of the same network: there is nothing to train.
    command[1] = "table5"
    assert cli.main(command) == 0
    assert files_of(whole) == before
    assert set(figures(whole, "table5-rooms-smoke")) == {"CD", "mIoU"}


def test_a_killed_experiment_continues_in_the_epoch_that_it_was_in(whole):
    text = "".join(path.read_text() for path in (whole / "logs").iterdir())
    # Twice it began with stage one; that it ends as if it had not been killed is shown
    # for `gspn train`, which does the work.
    assert text.count("gspn on rooms: ") == 2
    assert "gspn: 2 epochs of 2 steps, from epoch 2" in text
    assert "rpointnet: 2 epochs of 2 steps\n" in text


def wait_for(find, seconds: float = 300):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.02)
    raise TimeoutError("nothing in time")

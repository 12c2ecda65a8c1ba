"""An experiment as a whole, at the budget `smoke`: trained, killed and continued."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gspn_tf.commands import main as cli
from gspn_tf.training.run_folder import RunFolder

pytestmark = pytest.mark.slow

SMOKE = ("--data=rooms", "--budget=smoke", "--seeds=1", "--rows=ours")
RUN = "rooms-smoke-ours-seed0"


def figures(output: Path, table: str) -> dict[str, float]:
    stored = json.loads((output / "tables" / f"{table}.json").read_text())
    (ours,) = (row for row in stored["rows"] if row["row"] == "ours")
    return {name: each["mean"] for name, each in ours["figures"].items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Table 4, its row "Ours", killed after an epoch and typed again."""
    output = tmp_path_factory.mktemp("whole")
    words = ["experiment", "table4", *SMOKE, f"--output={output}"]
    program = [sys.executable, "-m", "gspn_tf.commands.main", *words]
    parent = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    run = RunFolder(output / "runs" / f"{RUN}-proposals")
    end = time.monotonic() + 900
    while not run.has_begun() and time.monotonic() < end:
        time.sleep(0.02)
    parent.kill()
    assert parent.wait() == -signal.SIGKILL
    assert len(run.read_metrics("gspn")) == 1
    assert cli.main(words) == 0
    return output


def test_a_row_is_trained_measured_and_tabulated(whole):
    found = figures(whole, "table4-rooms-smoke")
    assert set(found) == {"mIoU", "AP", "AP@0.5", "AP@0.25"}
    assert all(0 <= value <= 1 for value in found.values())
    runs = sorted(path.name for path in (whole / "runs").iterdir())
    assert runs == [RUN, f"{RUN}-proposals"]
    folder = RunFolder(whole / "runs" / RUN)
    assert folder.weights("gspn").is_file() and folder.weights("rpointnet").is_file()
    assert len(folder.read_metrics("rpointnet")) == 2
    (measured,) = (json.loads(p.read_text()) for p in folder.path.glob("measured-*"))
    assert set(measured) >= {"figures", "split", "runs", "versions"}


def test_a_killed_experiment_continues_in_the_epoch_that_it_was_in(whole):
    (log,) = (whole / "logs").iterdir()
    text = log.read_text()
    # Twice it began with stage one; that it ends as if it had not been killed is shown
    # for `gspn train`, which does the work.
    assert log.name == f"{RUN}.log" and text.count(f"{RUN}-proposals\n") == 2
    assert "rpointnet: 2 epochs of 2 steps\n" in text


def test_what_is_finished_is_not_done_again(whole, capsys):
    def written() -> dict[Path, int]:
        paths = (path for path in (whole / "runs").rglob("*") if path.is_file())
        return {path: path.stat().st_mtime_ns for path in paths}

    before = written()
    words = ["experiment", "table4", *SMOKE, f"--output={whole}"]
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert "| Ours |" in shown and f"--output={whole}\n" in shown
    assert written() == before
    # Table 5's row is stage one of the same network: there is nothing to train.
    words[1] = "table5"
    assert cli.main(words) == 0
    (measured,) = written().keys() - before.keys()
    assert measured.parent.name == f"{RUN}-proposals"
    assert set(figures(whole, "table5-rooms-smoke")) == {"CD", "mIoU"}
    assert {k: v for k, v in written().items() if k in before} == before

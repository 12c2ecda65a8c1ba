"""Many scans in one command that is killed, or shared by several."""

import csv
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import gspn, write_scans

from gspn_tf.masks import read_masks

ROOT = Path(__file__).resolve().parents[2]
COUNT, KILLED_AFTER = 50, (7, 29)  # scans
PATIENCE = 300  # seconds


def rows(table):
    with open(table, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def done(output) -> int:
    table = output / "results.csv"
    return len(rows(table)) if table.is_file() else 0


@pytest.mark.long
def test_killed_twice_or_shared_each_result_is_there_once(work, tmp_path):
    scans, output = tmp_path / "scans", tmp_path / "out"
    write_scans(scans, COUNT, num_points=200)
    base = ["segment", str(scans), "--model", str(work / "run"), "--num_points", "64"]
    command = [sys.executable, "-m", "gspn_tf.commands.main", *base]
    rng = random.Random(0)
    for wanted in KILLED_AFTER:
        process = subprocess.Popen(
            [*command, "--output", str(output)], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        give_up = time.monotonic() + PATIENCE
        while done(output) < wanted and time.monotonic() < give_up:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        assert process.wait() == -9
        assert wanted <= done(output) < COUNT
    before = {row["scan"]: row for row in rows(output / "results.csv")}
    finished = subprocess.run(
        [*command, "--output", str(output)], cwd=ROOT, capture_output=True, text=True
    )
    assert finished.returncode == 0
    assert finished.stdout.count("done before") == len(before)

    table = rows(output / "results.csv")
    names = {f"scan_{number}" for number in range(COUNT)}
    assert len(table) == COUNT and {row["scan"] for row in table} == names
    assert all(not row["error"] for row in table)
    for row in table:
        assert before.get(row["scan"], row) == row  # not done again
        folder = output / row["scan"]
        found = json.loads((folder / "instances.json").read_text())
        assert len(found["instances"]) == int(row["instances"])
        assert read_masks(folder / "masks.npz").shape[1] == found["num_points"] == 200
        assert not list(folder.glob(".*"))

    for part in ("1/3", "2/3", "3/3"):
        assert gspn(*base, "--output", tmp_path / "parts", "--shard", part) == 0
    tables = sorted((tmp_path / "parts").glob("results.*-of-3.csv"))
    assert [len(rows(each)) for each in tables] == [17, 17, 16]
    for name in names:
        for kind in ("instances.json", "instances.ply", "instances.npz", "masks.npz"):
            one, other = (
                (folder / name / kind).read_bytes()
                for folder in (output, tmp_path / "parts")
            )
            assert one == other

"""`gspn export`, killed: servers that watch the folder see whole versions alone."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = int(os.environ.get("GSPN_KILLS", "20"))


def start(run: Path, output: Path) -> subprocess.Popen:
    """Start an export; its messages are thrown away."""
    program = "from gspn_tf.commands.main import main; raise SystemExit(main())"
    command = ["export", f"--model={run}", f"--output={output}"]
    return subprocess.Popen(
        [sys.executable, "-c", program, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contents(version: Path) -> dict[str, int]:
    """Sizes of all files; those of texts with times in them are left out."""
    return {
        str(path.relative_to(version)): path.stat().st_size
        for path in version.rglob("*")
        if path.is_file() and path.suffix not in (".json", ".pb")
    }


@pytest.mark.long
def test_a_killed_export_leaves_a_whole_version_or_none(work, tmp_path):
    """SIGKILL at GSPN_KILLS moments; most while it writes, its last second or so."""
    whole, rng = tmp_path / "whole", random.Random(0)
    began = time.monotonic()
    assert start(work / "run", whole).wait() == 0
    seconds = time.monotonic() - began
    expected, finished = contents(whole / "1"), 0
    for number in range(KILLS):
        output = tmp_path / f"models{number}"
        process = start(work / "run", output)
        time.sleep(rng.uniform(0.6, 1.05) * seconds)
        process.kill()
        process.wait()
        seen = {path.name for path in output.glob("[!.]*")}
        assert seen <= {"1"}
        if seen:
            assert contents(output / "1") == expected
            assert (output / "1" / "saved_model.pb").stat().st_size
            finished += 1
        shutil.rmtree(output, ignore_errors=True)
    print(f"killed {KILLS} times, {finished} had finished")
    output = tmp_path / "again"
    process = start(work / "run", output)
    time.sleep(0.9 * seconds)
    process.kill()
    process.wait()
    shutil.rmtree(output / "1", ignore_errors=True)
    assert start(work / "run", output).wait() == 0  # beside what the kill left
    assert contents(output / "1") == expected

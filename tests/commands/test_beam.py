"""Scans in bulk by Apache Beam."""

import json
import re
import sys
from pathlib import Path

import pytest
from command_line import gspn

SCALE_OUT = Path(__file__).parents[2] / "docs" / "scale-out.md"


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "gspn_tf.inference.beam", raising=False)
    command = r"needs apache_beam: pip install 'gspn-tf\[beam\]'$"
    with pytest.raises(ImportError, match=command):
        import gspn_tf.inference.beam  # noqa: F401


@pytest.mark.long
def test_the_pipeline_of_the_document_does_as_the_command(work, tmp_path):
    beam = pytest.importorskip("apache_beam", reason="apache-beam is not installed")
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    (example,) = re.findall(r"```py\n(import json.*?)```", SCALE_OUT.read_text(), re.S)
    names: dict = {}
    exec(example, names)  # noqa: S102
    scans, run = work / "scans", str(work / "run")
    (tmp_path / "list.txt").write_text(
        "".join(f"{scan}\n" for scan in sorted(scans.glob("*.npz"))) + "bad.ply\n"
    )
    (tmp_path / "bad.ply").write_bytes(b"ply\n")
    output = tmp_path / "by_beam"
    output.mkdir()
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        listed = str(tmp_path / "list.txt")
        names["segment_all"](pipeline, listed, run, str(output))
    command = ("segment", tmp_path / "list.txt", "--model", run, "--keep_going")
    assert gspn(*command, "--output", tmp_path / "alone") == 1  # bad.ply
    lines = [
        json.loads(line)
        for path in output.glob("results-*.jsonl")
        for line in path.read_text().splitlines()
    ]
    errors = {line["scan"]: line["error"] for line in lines}
    assert len(lines) == len(errors) == 4
    for name, error in errors.items():
        bad = name.endswith("bad")
        assert bool(error) == bad
        if not bad:
            one, other = (
                (folder / name / "instances.json").read_bytes()
                for folder in (output, tmp_path / "alone")
            )
            assert one == other

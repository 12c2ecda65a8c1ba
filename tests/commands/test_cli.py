"""The commands: their flags, their errors, and one tiny run from scans to an export."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import pytest
import tensorflow as tf
from command_line import error_of, gspn

from gspn_tf import config as c
from gspn_tf.commands import command as command_lib
from gspn_tf.commands import main as cli
from gspn_tf.commands import prepare_generated
from gspn_tf.data.manifest import read_manifest
from gspn_tf.models import RPointNet
from gspn_tf.startup import about_gpus, load_tensorflow


def test_help_lists_every_command(capsys):
    assert gspn("--help") == 0
    whole = capsys.readouterr().out
    assert gspn() == 0 and capsys.readouterr().out == whole
    assert gspn("prepare", "--help") == 0
    families = {"": whole, "prepare": capsys.readouterr().out}
    for command in cli.COMMANDS:
        family, _, name = command.name.rpartition(" ")
        text = " ".join(families[family].split())
        assert f" {name} {command.summary}" in text


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_help_of_a_command_is_its_own_flags(command, capsys):
    assert gspn(*command.name.split(), "--help") == 0
    text = capsys.readouterr().out
    assert f"usage: gspn {command.name} " in text
    helps = (flag.options["help"].split()[0] for flag in command.flags)
    assert all(word in text for word in helps)
    assert "logtostderr" not in text and len(text.splitlines()) < 60
    assert all(len(line) <= 90 for line in text.splitlines())


def test_help_needs_no_tensorflow():
    program = (
        "import sys; from gspn_tf.commands import main as cli; cli.main(['--help']);"
        "[cli.main([*c.name.split(), '--help']) for c in cli.COMMANDS];"
        "sys.exit('tensorflow' in sys.modules or 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["trian"], "invalid choice: 'trian' (choose from "),
        (["prepare"], "arguments are required: COMMAND (see gspn pr"),
        (["train"], "arguments are required: --data, --run (see gspn train --help)"),
        (["train", "--in=x", "--data=x", "--run=y"], "--in; did you mean --init?"),
        (["train", "--data"], "--data: expected one argument"),
        (["train", "extra", "--data=x", "--run=y"], "unknown argument extra"),
        (["prepare", "rooms", "--output=x", "--train=many"], "integer, got 'many'"),
        (
            ["segment", "--model=x", "--output=y"],
            "are required: scans (see gspn segment",
        ),
        (["evaluate", "--run=x", "--data=y", "--config.a=1"], "unknown argument --con"),
        (["train", "--data=x", "--run=y", "--config.a"], "--config.a needs a value"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments, message, capsys):
    assert gspn(*arguments) == 2
    assert message in error_of(capsys)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("train --data={0} --run={0}/new", "--config must be given"),
        ("train --config=no.py --data={0} --run={0}/new", "no config file no.py"),
        ("train --config=rooms.py --data={0} --run={0}/new", "manifest.json not found"),
        ("evaluate --run={0}/none --data={0}", "no folder"),
        ("segment {0}/none.ply --model={0} --output={0}/out", "no file"),
        ("segment {0}/a.ply --model={0} --output={0} --scale=0", "--scale: must be"),
        ("export --model={0} --output={0}/out", "is no run folder"),
        ("prepare own --source={0}/no --classes={0} --output={0}/o", "no file or"),
        ("prepare rooms --output={0}", "is no data folder; it is left alone"),
        ("prepare rooms --output={0}/o --train=0 --val=0 --test=0", "nothing to make"),
        ("benchmark everything", "argument subject: invalid choice: 'everything'"),
    ],
)
def test_what_the_user_can_mend_is_one_line(arguments, message, tmp_path, capsys):
    (tmp_path / "a.ply").write_text("no PLY file\n")
    assert gspn(*arguments.format(tmp_path).split()) in (1, 2)
    assert message in error_of(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ply"]


@pytest.mark.parametrize("place", ["/proc/x", "{}/file/x", "{}/file"])
def test_a_place_that_cannot_be_written_to_is_said_first(work, tmp_path, place, capsys):
    (tmp_path / "file").touch()
    output = place.format(tmp_path)
    commands = [
        ["segment", work / "scans" / "scan_0.npz", "--model", work / "run"],
        ["export", "--model", work / "run"],
        ["prepare", "rooms", "--train", "1", "--val", "1"],
        ["experiment", "table1", "--data=rooms"],
        ["demo"],
    ]
    for command in commands:
        assert cli.main([*map(str, command), f"--output={output}"]) == 1
        captured = capsys.readouterr()
        assert captured.out == "" and captured.err.count("\n") == 1
        if command[0] != "prepare" or output.endswith("/x"):
            assert captured.err.startswith("gspn: --output")
            assert "file is a file" in captured.err or "be written to" in captured.err
        else:
            assert "file exists and is no data folder" in captured.err


@pytest.mark.parametrize(
    "command, option",
    [
        (["train", "--data={work}/data", "--config={work}/tiny.json"], "--run"),
        (["evaluate", "--data={work}/data", "--run={work}/run"], "--report"),
        (["evaluate", "--data={work}/data", "--run={work}/run"], "--predictions"),
        (["evaluate", "--data={work}/data", "--run={work}/run"], "--json"),
        (["segment", "{work}/scans/scan_0.npz", "--output={work}/o"], "--picture"),
        (["figure", "3", "--model={work}/run", "--input={work}/data"], "--output"),
        (["benchmark", "ops"], "--json"),
        (
            ["import-checkpoint", "x", "--config=configs/scannet.py:released"],
            "--output",
        ),
    ],
)
def test_every_option_of_a_place_is_checked_first(
    command, option, work, tmp_path, capsys, monkeypatch
):
    temporary = tempfile.TemporaryDirectory

    def read_only(prefix=None, dir=None):
        if dir == tmp_path:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), dir)
        return temporary(prefix=prefix, dir=dir)

    words = [word.format(work=work) for word in command]
    monkeypatch.setattr(command_lib.tempfile, "TemporaryDirectory", read_only)
    place = tmp_path / "new" / "place"
    assert gspn(*words, f"{option}={place}") == 1
    captured = capsys.readouterr()
    lines = [x for x in captured.err.splitlines() if not x.startswith("on ")]
    assert captured.out == "" and len(lines) == 1, captured
    assert lines[0].startswith(f"gspn: {option}: nothing can be written to {tmp_path}")
    assert lines[0].endswith(
        "Read-only file system; give a place in which you may make files"
    )
    assert not any(tmp_path.iterdir())


def test_a_run_that_cannot_be_written_needs_a_report(work, capsys, monkeypatch):
    def read_only(prefix=None, dir=None):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), dir)

    monkeypatch.setattr(command_lib.tempfile, "TemporaryDirectory", read_only)
    assert gspn("evaluate", f"--data={work / 'data'}", f"--run={work / 'run'}") == 1
    told = error_of(capsys)
    assert "--report is a folder in --run unless given" in told
    assert f"written to {work / 'run'}: Permission denied" in told


def test_errors_of_the_system_name_the_file(monkeypatch, capsys):
    def full(flags):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x.npz")

    command = cli.Command("write", (), full)
    monkeypatch.setattr(cli, "COMMANDS", (command,))
    assert gspn("write") == 1
    assert error_of(capsys) == "gspn: /data/x.npz: No space left on device"


def test_without_stderr_errors_are_silent():
    command = (
        f"{sys.executable} -m gspn_tf.commands.main segment no.ply --output=o 2>&-"
    )
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_work_goes_on_when_nobody_reads_what_is_printed(buffering, tmp_path):
    (tmp_path / "finished").write_text("")
    program = (
        "import sys, time; from pathlib import Path; from gspn_tf.commands import main;"
        "from gspn_tf.commands.command import Command;"
        "write = lambda flags: [print('line', flush=True) for _ in range(9)] and "
        "print('late', file=sys.stderr) or Path(sys.argv[1]).write_text('whole');"
        "main.COMMANDS = (Command('write', (), write),);"
        "sys.stdin.readline(); sys.exit(main.main(['write']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "finished"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
        | buffering,
    )
    process.stdout.close()  # as `head` does
    process.communicate(b"go\n")
    assert process.returncode == 0
    assert (tmp_path / "finished").read_text() == "whole"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux alone has it")
def test_a_full_disk_under_stdout_is_one_line():
    command = f"{sys.executable} -m gspn_tf.commands.main --help > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    told = "gspn: standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_debug_shows_the_traceback(capsys):
    assert gspn("train", "--config=no.py", "--data=x", "--run=y", "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_not_dressed_up_as_a_users_error(monkeypatch):
    def broken(*_):
        raise AttributeError("a bug")

    monkeypatch.setattr(prepare_generated, "generated_data", broken)
    with pytest.raises(AttributeError):
        gspn("prepare", "rooms", "--output", "x")


def test_rooms_are_made_once_and_replaced_by_force(tmp_path, capsys):
    counts = ("--train=1", "--val=1", "--test=0", "--points=20000", "--jobs=1")
    command = ("prepare", "rooms", "--output", tmp_path / "rooms", *counts)
    assert gspn(*command) == 0
    assert "train 1 scenes (" in capsys.readouterr().out
    before = read_manifest(tmp_path / "rooms")["splits"]["train"]["names"]
    assert gspn(*command) == 0  # it is there already
    capsys.readouterr()
    assert gspn(*command, "--seed=7") == 1
    assert "options.seed (0 there, 7 here)" in error_of(capsys)
    assert gspn(*command, "--seed=7", "--force") == 0
    assert before != read_manifest(tmp_path / "rooms")["splits"]["train"]["names"]
    assert [path.name for path in tmp_path.iterdir()] == ["rooms"]


def test_a_finished_run_is_left_as_it_is(work, capsys):
    splits = read_manifest(work / "data")["splits"]
    assert [splits[name]["scenes"] for name in ("train", "val")] == [2, 1]
    config = c.read_config(work / "run" / "config.json")
    assert config.train.seed == 3 and config.data.num_points == 256
    before = (work / "run" / "metrics.csv").read_text()
    command = ("train", "--data", work / "data", "--run", work / "run")
    assert gspn(*command) == 0
    assert (work / "run" / "metrics.csv").read_text() == before
    capsys.readouterr()
    assert gspn(*command, "--config.train.seed=4") == 1
    assert "config.train.seed (3 there, 4 here)" in error_of(capsys)


def test_evaluate_prints_and_writes_figures(work, capsys):
    figures = work / "figures.json"
    arguments = ("--run", work / "run", "--data", work / "data", "--json", figures)
    assert gspn("evaluate", *arguments) == 0
    text = capsys.readouterr().out
    assert "chair" in text and "AP50" in text and "proposal_miou" in text
    found = json.loads(figures.read_text())
    assert 0 <= found["AP50"] <= 1 and 0 <= found["proposal_miou"] <= 1
    assert [row["class"] for row in found["classes"]] == ["chair", "table", "bed"]
    name = f"val-scannet-ranked-{found['data_sha256'][:8]}"
    report = work / "run" / "evaluation" / name
    assert json.loads((report / "evaluation.json").read_text()) == found
    assert f"open {report / 'evaluation.html'}" in text
    assert found["data_sha256"] in (report / "evaluation.html").read_text()
    assert gspn("evaluate", *arguments, "--split=test") == 1
    assert "split must be one of ['train', 'val'], got 'test'" in error_of(capsys)


def test_a_preset_serves_in_place_of_a_run(work, capsys):
    RPointNet.from_preset(work / "run").save_to_preset(work / "preset")
    scan, found = work / "scans" / "scan_0.npz", []
    for name in ("run", "preset"):
        arguments = ("--model", work / name, "--output", work / f"of_{name}")
        assert gspn("segment", scan, *arguments) == 0
        found.append((work / f"of_{name}" / "instances.json").read_bytes())
    assert found[0] == found[1]
    capsys.readouterr()
    assert gspn("segment", scan, "--model=nothing", "--output", work / "none") == 1
    assert "--model: no folder nothing, nor a preset of" in error_of(capsys)


def test_export_of_a_run_is_a_saved_model(work, capsys):
    arguments = ("--model", work / "run", "--output", work / "exports")
    assert gspn("export", *arguments, "--ops=native", "--max-points=5000") == 0
    assert "a SavedModel with native ops" in capsys.readouterr().out
    assert (work / "exports" / "1" / "saved_model.pb").is_file()
    assert gspn("export", *arguments) == 1
    assert "exports/1" in error_of(capsys)


def test_export_for_triton_is_a_model_repository(work, tmp_path, monkeypatch, capsys):
    from gspn_tf.inference.serving import saved_model

    monkeypatch.setattr(
        saved_model, "save_model", lambda served, assets, path: path.mkdir()
    )
    arguments = ("export", "--model", work / "run", "--output", tmp_path / "models")
    for version in (1, 2):
        assert gspn(*arguments, "--for=triton", "--version", version) == 0
        said = (
            f"gspn/{version}: a SavedModel with portable ops; see its saved_model/READ"
        )
        assert said in capsys.readouterr().out
    folder = tmp_path / "models" / "gspn"
    assert {path.name for path in folder.iterdir()} == {"config.pbtxt", "1", "2"}
    assert gspn(*arguments, "--for=triton") == 1
    assert "models/gspn/1 exists; give another version" in error_of(capsys)
    assert gspn(*arguments, "--for=kserve") == 2
    assert "argument --for: invalid choice: 'kserve'" in error_of(capsys)


@pytest.mark.parametrize(
    "name", ["config.json", "classes.json", "rpointnet.weights.h5", "versions.json"]
)
def test_a_damaged_file_of_a_run_is_one_line(name, work, tmp_path, capsys):
    run = shutil.copytree(work / "run", tmp_path / "run")
    content = (run / name).read_bytes()
    scan, output = work / "scans" / "scan_0.npz", tmp_path / "out"
    commands = [("export", "--model", run, "--output", output)]
    if name != "versions.json":
        commands.append(("segment", scan, "--model", run, "--output", output))
    for damaged in (b"", content[: len(content) // 2], b"PK\x03\x04\xff\xfe"):
        (run / name).write_bytes(damaged)
        for words in commands:
            assert gspn(*words) == 1
            assert f"{run / name} is not a readable" in error_of(capsys)
    assert not output.exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "text", [b"", b"\x01\x02", b"version https://git-lfs.github.com/"]
)
def test_a_damaged_file_of_the_data_is_one_line(work, tmp_path, text, capsys):
    folder = tmp_path / "data"
    config = f"--config={work / 'tiny.json'}"
    command = ("train", config, "--data", folder, "--run", tmp_path / "run")
    for name in ("manifest.json", "train-00000-of-00001.tfrecord"):
        shutil.copytree(work / "data", folder)
        (folder / name).write_bytes(text)
        capsys.readouterr()
        assert gspn(*command) == 1
        error = error_of(capsys)
        assert str(folder / name) in error and "\n" not in error
        shutil.rmtree(folder)


def test_benchmark_of_the_data_sets_it_against_training(work, capsys):
    figures, cores = work / "throughput.json", os.sched_getaffinity(0)
    arguments = ("--data", work / "data", "--repeats=1", "--cores=1", "--json", figures)
    assert gspn("benchmark", "data", "--config", work / "tiny.json", *arguments) == 0
    assert os.sched_getaffinity(0) == cores
    lines = capsys.readouterr().out.splitlines()
    found = json.loads(figures.read_text())
    rates = found["scenes_per_s"], found["step_takes"]
    assert lines[-1] == "{:.1f} scenes/s; training takes {:.1f}".format(*rates)
    pipeline, *steps = (timing["median_ms"] for timing in found["timings"])
    assert found["cores"] == 1 and len(steps) == 2
    assert rates[0] == pytest.approx(64e3 / pipeline)
    assert rates[1] == pytest.approx(2e3 / min(steps))


def test_tensorflow_is_loaded_quietly(capfd):
    assert load_tensorflow() == []  # as it has been before
    command_lib.start_tensorflow()
    assert capfd.readouterr().err == ""


def test_a_process_says_once_what_it_runs_on():
    program = (
        "from gspn_tf.commands.command import start_tensorflow as start; "
        "start(); start()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"on {len(os.sched_getaffinity(0))} CPU cores")
    assert done.stdout == b""


@pytest.mark.parametrize(
    "gpus, said, expected",
    [
        ([], ["Cannot dlopen some GPU libraries."], "cores; Cannot dlopen some GPU li"),
        ([], ["Could not find cuda drivers.", "cuInit failed"], "find cuda drivers.$"),
        (["one"], [], "^on GPU NVIDIA X, its point operations on the CPU$"),
    ],
)
def test_the_device_line_says_why_a_gpu_is_not_used(gpus, said, expected, monkeypatch):
    details = {"device_name": "NVIDIA X"}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: gpus)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda _: details)
    assert re.search(expected, command_lib.device_line(said))


def test_what_tensorflow_says_of_gpus():
    log = (
        "WARNING: All log messages before absl::InitializeLog() is called\n"
        "I0000 00:00:17.65 18 port.cc:153] oneDNN custom operations are on.\n"
    ) + 2 * "W0000 00:00:17.66 18 gpu_device.cc:9] Cannot dlopen some GPU libraries\n"
    assert about_gpus(log) == ["Cannot dlopen some GPU libraries"]


@tf.function
def broken_graph(x):
    tf.debugging.assert_less(x, 3.0, "x must be small")
    return x


def broken_scenes():
    yield 1.0
    raise ValueError("a scene is broken")


def broken_data():
    spec = tf.TensorSpec([])
    return list(tf.data.Dataset.from_generator(broken_scenes, output_signature=spec))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: broken_graph(tf.constant(4.0)), "assertion failed: [x must be small]"),
        (broken_data, "ValueError: a scene is broken"),
        (lambda: tf.gather(tf.zeros([3]), [7]), "indices[0] = 7 is not in [0, 3)"),
        (lambda: list(tf.data.TFRecordDataset("no/file")), "no/file; No such file"),
    ],
)
def test_an_error_in_a_graph_shows_its_cause(call, message, monkeypatch, capsys):
    monkeypatch.setattr(prepare_generated, "generated_data", lambda *_: call())
    assert gspn("prepare", "rooms", "--output", "x") == 1
    assert error_of(capsys).startswith(f"gspn: {message}")

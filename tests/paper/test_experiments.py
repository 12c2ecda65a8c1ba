"""Plans, shared runs and tables of experiments, without training anything."""

import dataclasses as dc
import io
import re
from pathlib import Path

import fake_work
import pytest
import toy_models
import toy_scenes
from toy_experiments import ROOMS, experiment, finish, planned

from gspn_tf import config as c
from gspn_tf.commands import experiment as command
from gspn_tf.commands import main as cli
from gspn_tf.config import loading as config_loading
from gspn_tf.data import manifest
from gspn_tf.paper.experiments import folds, plan, runner, tasks, worker
from gspn_tf.paper.experiments.budgets import BUDGETS
from gspn_tf.paper.experiments.plan import Source
from gspn_tf.paper.experiments.tables import TABLES
from gspn_tf.paper.experiments.tasks import DataFolder
from gspn_tf.synthetic import parts
from gspn_tf.synthetic.furniture import part_shapes
from gspn_tf.training import run_folder


def stage_one(jobs: list[plan.Job]) -> set[Path]:
    found = (t for job in jobs for t in job.tasks() if isinstance(t, tasks.Training))
    return {task.folder for task in found if task.stage == "gspn"}


def test_rows_of_one_stage_one_share_it(data_dir, tmp_path):
    six = planned(experiment(data_dir, tmp_path))
    assert len(six) == 4 * 2 and len(stage_one(six)) == 2  # one a seed
    whole = {job.tasks()[-2].folder for job in six}
    assert len(whole) == 4 * 2
    four = planned(experiment(data_dir, tmp_path, "table4"))
    five = planned(experiment(data_dir, tmp_path, "table5"))
    assert len(stage_one(four)) == 3 * 2 and len(stage_one(five)) == 4 * 2
    ours = [next(j for j in jobs if j.row.key == "ours") for jobs in (four, five, six)]
    assert len(stage_one(ours)) == 1
    assert ours[0].tasks()[2] == ours[2].tasks()[1]  # stage two of tables 4 and 6


def test_table_five_needs_no_stage_two(data_dir, tmp_path):
    for job in planned(experiment(data_dir, tmp_path, "table5")):
        assert [task.label for task in job.tasks()] == [
            "gspn on rooms",
            "proposals of the split val",
        ]


def test_runs_of_other_data_configs_and_seeds_are_apart(data_dir, tmp_path):
    toy_models.write_data(tmp_path / "other", train=6)
    given = experiment(data_dir, tmp_path, seeds=(0,))
    other = Source(DataFolder(tmp_path / "other", "rooms"), ROOMS)
    variants = [
        given,
        dc.replace(given, seeds=(1,)),
        dc.replace(given, source=other),
        dc.replace(given, overrides=("--config.train.batch_size=4",)),
        dc.replace(given, budget=BUDGETS["smoke"]),
    ]
    folders = [
        {t.result for j in planned(each) for t in j.tasks()} for each in variants
    ]
    assert len(set.union(*folders)) == sum(map(len, folders))


def test_copied_data_shares_runs(data_dir, tmp_path):
    toy_models.write_data(tmp_path / "copy")
    copy = Source(DataFolder(tmp_path / "copy", "rooms"), ROOMS)
    one, two = (
        experiment(data_dir, tmp_path),
        experiment(data_dir, tmp_path, source=copy),
    )
    assert stage_one(planned(one)) == stage_one(planned(two))


def test_fields_of_later_versions_leave_runs_valid():
    @dc.dataclass(kw_only=True)
    class Later(c.TrainConfig):
        momentum: float = 0.9

    Later.__name__ = "TrainConfig"
    old, new = c.TrainConfig(seed=3), Later(seed=3)
    assert tasks.changed(old) == tasks.changed(new) == {"": "TrainConfig", "seed": 3}
    assert tasks.changed(Later(seed=3, momentum=0.5)) != tasks.changed(old)
    sgpn = c.Config(model=c.SGPNConfig())
    assert tasks.changed(sgpn) != tasks.changed(c.Config())


def test_a_finished_run_of_another_config_is_refused(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, seeds=(0,))
    job = planned(given)[0]
    finish(job)
    task = job.tasks()[0]
    other = dc.replace(task.config, data=c.DataConfig(rotate=False))
    (task.folder / "config.json").write_text(c.to_json(other))
    with pytest.raises(ValueError, match="another config"):
        planned(given)


def test_more_seeds_add_only_the_missing(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, seeds=(0,))
    for job in planned(given):
        finish(job)
    more = planned(dc.replace(given, seeds=(0, 1)))
    assert [job.seed for job in more if job.missing()] == [1] * 4
    assert not any(job.missing() for job in more if job.seed == 0)


def test_finished_rows_start_no_process(data_dir, tmp_path, monkeypatch):
    jobs = planned(experiment(data_dir, tmp_path, seeds=(0,)))
    for job in jobs:
        finish(job)
    monkeypatch.delattr(runner, "started")
    console = runner.Console(quiet=True)
    assert runner.run(jobs, tmp_path / "logs", console, lambda: None) == []


def test_stage_two_takes_the_shared_proposals(data_dir, tmp_path):
    job = planned(experiment(data_dir, tmp_path, seeds=(0,)))[0]
    first, second, _ = job.tasks()
    there, here = (run_folder.RunFolder(t.folder) for t in (first, second))
    first.folder.mkdir(parents=True)
    there.weights("gspn").write_bytes(b"weights")
    there.write_metrics("gspn", [{"epoch": 1, "loss": 2.0}])
    second.folder.mkdir(parents=True)
    worker._take_proposals(second)
    assert here.weights("gspn").read_bytes() == b"weights"
    assert here.read_metrics("gspn") == there.read_metrics("gspn")


def test_a_failing_row_does_not_stop_the_others(data_dir, tmp_path, monkeypatch):
    given = experiment(data_dir, tmp_path, "table5", seeds=(0,))
    jobs = planned(given)
    monkeypatch.setattr(worker, "perform", fake_work.fail)
    log = io.StringIO()
    console = runner.Console(file=log, width=200)
    calls = []
    failed = runner.run(jobs[:2], tmp_path, console, lambda: calls.append(1))
    assert len(failed) == len(calls) == 2
    assert failed[0].startswith("Ours, seed 0: ValueError: a bad scene (see ")
    assert "E-D, seed 0 (2 of 2): gspn on rooms" in log.getvalue()


def test_errors_of_a_process_are_raised_here():
    with pytest.raises(ValueError, match="nothing to do"):
        runner.isolated(fake_work.refuse)


def test_every_room_is_held_out_once(tmp_path):
    from gspn_tf.data import read_scenes
    from gspn_tf.data.scene import Scene

    toy_models.write_data(tmp_path / "one", train=1)
    (scene,) = read_scenes(tmp_path / "one", "train")
    fields = {
        f: getattr(scene, f) for f in ("points", "colors", "semantic", "instance")
    }
    names = {"train": ("a_00", "b_00", "a_01"), "val": ("c_00",)}
    splits = {s: [Scene(n, **fields) for n in members] for s, members in names.items()}
    toy_scenes.write_folder(tmp_path / "scans", toy_models.CLASSES, **splits)
    folds.write(str(tmp_path / "scans"), str(tmp_path / "folds"))
    found = folds.existing(tmp_path / "folds")
    assert [path.name for path in found] == ["without-a", "without-b", "without-c"]
    held = {p.name: [s.name for s in read_scenes(p, "test")] for p in found}
    assert held["without-a"] == ["a_00", "a_01"] and held["without-b"] == ["b_00"]
    for path in found:
        both = [s.name for split in ("train", "test") for s in read_scenes(path, split)]
        assert sorted(both) == ["a_00", "a_01", "b_00", "c_00"]
        assert not manifest.damaged_shards(path)
        assert not manifest.has_scenes(path, "val")


def test_one_room_cannot_be_held_out(data_dir, tmp_path):
    toy_models.write_data(tmp_path / "one", train=3, val=0)
    with pytest.raises(ValueError, match="two rooms at least"):
        folds.write(str(tmp_path / "one"), str(tmp_path / "folds"))
    assert not (tmp_path / "folds").exists()


def test_pretrained_rows_start_from_rooms(data_dir, tmp_path):
    held_out = (DataFolder(data_dir, "scans-without-a"), DataFolder(data_dir, "b"))
    toy_models.write_data(tmp_path / "rooms", train=6)
    rooms = Source(DataFolder(tmp_path / "rooms", "rooms"), ROOMS)
    given = experiment(
        data_dir, tmp_path, "table1", seeds=(0,), folds=held_out, pretraining=rooms
    )
    jobs = {job.row.key: job for job in planned(given)}
    fold = {
        "ours": ["gspn", "rpointnet"],
        "sgpn": ["sgpn"],
    }
    for key, stages in fold.items():
        expected = [f"{s} on {f}" for f in ("scans-without-a", "b") for s in stages]
        pooled = "instances of the split test"
        assert [t.label for t in jobs[key].tasks()] == [*expected, pooled]
        labels = [t.label for t in jobs[f"{key}_pretrained"].tasks()]
        assert labels == [*(f"{s} on rooms" for s in stages), *expected, pooled]
        (measured,) = jobs[f"{key}_pretrained"].measurements
        whole = stages[-1]
        assert all(t.init.stage == whole for t in measured.trainings)


def test_categories_of_generated_shapes():
    for seed in range(8):
        shape = parts.generate_shape(seed, 8000)
        labels = {parts.PARTS.names[row - 1] for row in set(shape.semantic) - {0}}
        category = parts.category_of(shape.name)
        telling = {"Chair": "seat", "Lamp": "bulb", "Storage": "panel"}
        assert telling.get(category, "top") in labels
    assert set(part_shapes.KINDS) == {"Chair", "Table", "Lamp", "Storage"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("budget", BUDGETS)
def test_every_row_has_a_config_for_every_data_set(table, budget):
    files = {path.stem for path in Path("configs").glob("*.py")} - {"ablations"}
    for row in TABLES[table].rows:
        for file in files:
            each = BUDGETS[budget]
            variant = row.variant.format(base=each.variant, sgpn=each.sgpn)
            config = config_loading.load_config(f"configs/{file}.py:{variant}")
            epochs = [getattr(config.train, s).epochs for s in config.model.stages()]
            base = config_loading.load_config(f"configs/{file}.py:{each.variant}")
            assert sum(epochs) == base.train.gspn.epochs + base.train.rpointnet.epochs


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (0, 1, 2)), ("7,", (7,)), ("4,2", (4, 2))]
)
def test_seeds(text, seeds):
    assert command._seeds(text) == seeds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table7", "--data=rooms"], "no experiment 'table7'; choose one of: table1"),
        (["table4"], "--data must be given"),
        (["table4", "--data=rooms", "--rows=sgpn"], "has no row 'sgpn', has box_reg"),
        (["table4", "--data=rooms", "--seeds=0"], "--seeds must be a number of at"),
        (["table4", "--data=rooms", "--seeds=1,1"], "--seeds must be a number of at"),
        (["table4", "--data=rooms", "--seeds=-1"], "--seeds must be a number of at"),
        (["table4", "--data=rooms", "--at_once=0"], "--at_once must be 1 to "),
        (["table4", "--data=rooms", "--at_once=9999"], "process may use, got 9999"),
        (["table4", "--data=nowhere"], "--data: no folder nowhere"),
        (
            ["table4", "--data=rooms", "--budget=tiny"],
            "invalid choice: 'tiny'",
        ),
    ],
)
def test_bad_command_lines(arguments, message, capsys, tmp_path):
    assert cli.main(["experiment", *arguments, f"--output={tmp_path}"]) != 0
    assert message in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_data_without_labels_to_measure_on(tmp_path, capsys):
    toy_models.write_data(tmp_path / "data", val=0)
    arguments = [
        "table4",
        f"--data={tmp_path / 'data'}",
        f"--output={tmp_path / 'out'}",
    ]
    assert cli.main(["experiment", *arguments]) == 1
    assert "no labelled scenes to measure on" in capsys.readouterr().err

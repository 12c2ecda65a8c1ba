"""Plans, processes and tables of experiments, without training anything."""

import dataclasses as dc
import json
import re
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import fake_work
import pytest
import toy_models
import toy_scenes

from gspn_tf import config as c
from gspn_tf.commands import experiment as command
from gspn_tf.commands import main as cli
from gspn_tf.config import loading as config_loading
from gspn_tf.paper.experiments import measuring, plan, report, requirements, runner
from gspn_tf.paper.experiments.plan import DataFolder, Experiment, plan_jobs
from gspn_tf.paper.experiments.tables import BUDGETS, TABLES
from gspn_tf.synthetic import parts
from gspn_tf.training.run_folder import RunFolder

ROOMS = "configs/rooms.py:small"


def experiment(data_dir: Path, output: Path, table: str = "table6", **changes):
    """Make an experiment on a data folder."""
    data = DataFolder(data_dir, "rooms", ROOMS)
    given = Experiment(TABLES[table], BUDGETS["small"], (0, 1), output, data)
    return dc.replace(given, **changes)


def stage_one(jobs: list[plan.Job]) -> set[Path]:
    found = [t for job in jobs for t in job.trainings if t.stages == ("gspn",)]
    return {training.path for training in found}


def test_systems_of_one_stage_one_share_it(data_dir, tmp_path):
    four, five, six = (
        plan_jobs(experiment(data_dir, tmp_path, table))
        for table in ("table4", "table5", "table6")
    )
    assert len(six) == 4 * 2 and len(stage_one(six)) == 2  # one a seed
    assert len({job.trainings[-1].path for job in six}) == 4 * 2
    assert len(stage_one(four)) == 3 * 2 and len(stage_one(five)) == 4 * 2
    ours = [
        next(j for j in jobs if j.system.key == "ours") for jobs in (four, five, six)
    ]
    assert len(stage_one(ours)) == 1
    assert ours[0].measurement == ours[2].measurement  # of tables 4 and 6
    first, second = ours[0].trainings
    assert [t.path.name for t in (first, second)] == [
        "rooms-small-ours-seed0-proposals",
        "rooms-small-ours-seed0",
    ]
    assert second.init == first.path and second.stages == ("rpointnet",)
    assert ours[1].trainings == [first]  # table 5 needs no stage two


def test_a_run_of_another_config_or_data_is_refused(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, seeds=(0,))
    fake_work.finish_job(plan_jobs(given)[0])
    changed = dc.replace(given, overrides=("--config.train.batch_size=4",))
    with pytest.raises(
        ValueError, match=r"another config.*batch_size \(2 there, 4 her"
    ):
        plan_jobs(changed)
    toy_models.write_data(tmp_path / "other", train=6)
    other = DataFolder(tmp_path / "other", "rooms", ROOMS)
    with pytest.raises(ValueError, match="trained on other data"):
        plan_jobs(dc.replace(given, data=other))
    plan_jobs(dc.replace(given, data=dc.replace(other, label="others")))
    plan_jobs(dc.replace(changed, budget=BUDGETS["full"]))


def test_only_what_is_missing_is_done(data_dir, tmp_path, monkeypatch):
    given = experiment(data_dir, tmp_path, seeds=(0,))
    for job in plan_jobs(given):
        fake_work.finish_job(job)
    monkeypatch.delattr(runner, "perform")
    assert runner.run_jobs(plan_jobs(given), tmp_path, print) == []
    more = plan_jobs(dc.replace(given, seeds=(0, 1)))
    assert [job.seed for job in more if job.missing()] == [1] * 4


def test_a_failing_job_does_not_stop_the_others(
    data_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(runner, "perform", fake_work.fail_first)
    jobs = plan_jobs(experiment(data_dir, tmp_path, "table5", seeds=(0,)))[:3]
    calls = []
    failed = runner.run_jobs(jobs, tmp_path, lambda: calls.append(1))
    told = capsys.readouterr().out.splitlines()
    assert len(failed) == 1 and ", seed 0: ValueError: a bad scene (see " in failed[0]
    assert told[0].startswith("Ours, seed 0 (1 of 3): see ")
    assert len(told) == 4 and len(calls) == 3
    assert [bool(job.missing()) for job in jobs] == [True, False, False]


def test_an_interrupt_ends_the_job_at_work(data_dir, tmp_path, monkeypatch):
    children = []

    def interrupt(child):
        children.append(child)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "perform", fake_work.sleep)
    monkeypatch.setattr(BaseProcess, "join", interrupt)
    jobs = plan_jobs(experiment(data_dir, tmp_path))
    with pytest.raises(KeyboardInterrupt):
        runner.run_jobs(jobs, tmp_path, print)
    monkeypatch.undo()
    (child,) = children
    child.join(fake_work.PATIENCE_SECONDS / 2)
    assert child.exitcode == -signal.SIGTERM


def test_why_a_process_failed(tmp_path):
    why = runner.why_failed(-9, tmp_path / "log")
    assert why == f"ended by SIGKILL (see {tmp_path / 'log'})"
    assert runner.why_failed(1, tmp_path / "log").startswith("exit status 1 (see")


def test_pretrained_systems_start_from_rooms(data_dir, tmp_path):
    held_out = tuple(DataFolder(data_dir, f"without-{x}", ROOMS) for x in "ab")
    toy_models.write_data(tmp_path / "rooms", train=6)
    rooms = DataFolder(tmp_path / "rooms", "rooms", ROOMS)
    given = experiment(
        data_dir, tmp_path, "table1", seeds=(0,), folds=held_out, rooms=rooms
    )
    lacking = lacks("table1", data_dir, True, False)
    given = dc.replace(given, table=command.rows_on_data(given.table, lacking, ()))
    jobs = {job.system.key: job for job in plan_jobs(given)}
    for key, stages in {"ours": ["gspn", "rpointnet"], "sgpn": ["sgpn"]}.items():
        expected = [(tuple(stages), fold.label) for fold in held_out]
        plain, tuned = jobs[key], jobs[f"{key}_pretrained"]
        assert [(t.stages, t.data.label) for t in plain.trainings] == expected
        before = [((stage,), "rooms") for stage in stages]
        found = [(t.stages, t.data.label) for t in tuned.trainings]
        assert found == [*before, *expected]
        assert tuned.measurement.by == "room"
        for network in tuned.measurement.networks:
            assert network.init == tuned.trainings[len(stages) - 1].path


def lacks(table: str, data_dir: Path, *conditions: bool) -> dict[str, str]:
    """What the systems of a table lack on data, by their keys."""
    given = conditions or (False, False)
    systems = TABLES[table].systems
    return {s.key: requirements.lacking(s, data_dir, *given) for s in systems}


def test_own_scans_are_held_out_by_rooms_and_homes_are_not(tmp_path):
    for name, held_out in (("own", True), ("homes", False), ("scannet", False)):
        manifest = {"data": name, "classes": [[1, "chair"]], "splits": {}}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        table = TABLES["table1"]
        assert requirements.holds_rooms_out(table, tmp_path) == held_out
        assert not requirements.holds_rooms_out(TABLES["table4"], tmp_path)
    lacking = lacks("table1", tmp_path, True, False)
    assert {key for key, what in lacking.items() if what} == {"pmrcnn"}
    lacking = lacks("table1", tmp_path, False, True)
    assert {key for key in lacking if not lacking[key]} == {"sgpn", "pmrcnn", "ours"}
    assert "--frames" in lacks("table1", tmp_path)["pmrcnn"]


def test_frames_are_trained_on_and_scans_measured(data_dir, tmp_path):
    toy_models.write_data(tmp_path / "frames", train=4)
    frames = DataFolder(tmp_path / "frames", "frames", "configs/views.py:small")
    seen = plan.ScanFrames(frames, tmp_path / "scans")
    given = experiment(data_dir, tmp_path, "table1", seeds=(0,), frames=seen)
    lacking = lacks("table1", data_dir, False, True)
    given = dc.replace(given, table=command.rows_on_data(given.table, lacking, ()))
    jobs = {job.system.key: job for job in plan_jobs(given)}
    (training,) = jobs["pmrcnn"].trainings
    assert training.data == frames and training.config.model.kind == "mask_rcnn"
    measured = jobs["pmrcnn"].measurement
    assert measured.scenes_of(training) == data_dir
    assert measured.frames == tmp_path / "scans"
    ours = jobs["ours"]
    assert ours.measurement.frames is None
    assert ours.measurement.scenes_of(ours.trainings[-1]) == data_dir


def test_a_semantic_stage_is_trained_before_stage_one(data_dir, tmp_path):
    data = DataFolder(data_dir, "homes", "configs/indoor.py:small")
    given = experiment(data_dir, tmp_path, "table4", seeds=(0,), data=data)
    *_, ours = plan_jobs(given)
    stages = [training.stages for training in ours.trainings]
    assert stages == [("semantic", "gspn"), ("rpointnet",)]


def test_rows_that_see_images_need_data_that_has_them(data_dir, tmp_path, capsys):
    lacking = lacks("table3", data_dir)
    table = command.rows_on_data(TABLES["table3"], lacking, ())
    assert [system.key for system in table.systems] == ["sgpn", "ours"]
    assert "without mask_rcnn:" in capsys.readouterr().out
    with pytest.raises(command.UserError, match="ours_cnn needs frames with images"):
        command.rows_on_data(TABLES["table3"], lacking, ["ours_cnn"])
    manifest = {"data": "views", "classes": [[1, "chair"]], "splits": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    lacking = lacks("table3", tmp_path)
    without = [key for key, what in lacking.items() if "--image_features" in what]
    assert without == ["sgpn_cnn", "ours_cnn"]
    assert not lacking["mask_rcnn"] and not lacking["ours"]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("budget", BUDGETS)
def test_every_system_has_a_config_for_every_data_set(table, budget):
    files = {path.stem for path in Path("configs").glob("*.py")} - {"ablations"}
    for system in TABLES[table].systems:
        of_images = system.sees_images or system.sees_frames
        among = files & set(requirements.FRAMES) if of_images else files
        for file in among if not system.preset else ():
            each = BUDGETS[budget]
            variant = system.variant(each.base, each)
            config = config_loading.load_config(f"configs/{file}.py:{variant}")
            epochs = [getattr(config.train, s).epochs for s in config.model.stages()]
            if isinstance(config.model, c.MaskRCNNConfig):
                assert all(epochs)
                continue
            base = config_loading.load_config(f"configs/{file}.py:{each.base}")
            stages = (getattr(base.train, s).epochs for s in base.model.stages())
            assert sum(epochs) == sum(stages)


@pytest.mark.long
def test_figures_of_trained_networks(sure_network, tmp_path):
    scenes = [toy_scenes.make_scene(seed, num_points=900) for seed in range(2)]
    scenes = [
        dc.replace(scene, name=f"{room}_00", points=scene.points * 0.3)
        for room, scene in zip("ab", scenes, strict=True)
    ]
    toy_scenes.write_folder(tmp_path / "data", test=scenes)
    run, data = RunFolder(tmp_path / "run"), DataFolder(tmp_path / "data", "toy", ROOMS)
    options = c.DataConfig(num_points=256, num_points_inference=256)
    config = c.Config(model=sure_network.config, data=options)
    run.start(config, toy_scenes.CLASSES.pairs(), {})
    sure_network.save_weights(run.weights("rpointnet"))
    sure_network.proposal_network.save_weights(run.weights("gspn"))
    whole = plan.Training(run.path, ("gspn", "rpointnet"), config, data)
    wanted = plan.Measurement(tmp_path / "measured.json", (whole,), "test", "room")
    measured = measuring.measure_networks(wanted)
    assert measured["runs"] == [str(run.path)] and "tensorflow" in measured["versions"]
    figures = measured["figures"]
    assert figures["instances/scannet/AP25"] > 0 and 0 < figures["proposals/mIoU"] < 1
    rooms = [figures[f"instances/scannet/AP25/room/{room}"] for room in "ab"]
    assert max(rooms) > 0 and figures["instances/nyuv2/AP25"] is not None
    classes = {f"instances/partnet/AP50/class/{x}" for x in toy_scenes.CLASSES.names}
    assert classes <= figures.keys()
    first = dc.replace(whole, stages=("gspn",))
    alone = measuring.measure_networks(dc.replace(wanted, networks=(first,)))["figures"]
    assert alone.keys() == {"proposals/mIoU", "proposals/CD"}
    assert alone["proposals/mIoU"] == figures["proposals/mIoU"]
    pooled = measuring.measure_networks(dc.replace(wanted, networks=(whole, whole)))[
        "figures"
    ]
    assert pooled.keys() == {name for name in figures if "proposals" not in name}


def test_categories_of_generated_shapes():
    for seed in range(8):
        shape = parts.generate_shape(seed, 8000)
        labels = {parts.PARTS.names[row - 1] for row in set(shape.semantic) - {0}}
        category = parts.category_of(shape.name)
        telling = {"Chair": "seat", "Lamp": "bulb", "Storage": "panel"}
        assert telling.get(category, "top") in labels


def test_mean_and_spread_beside_the_paper(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, "table5")
    values = {
        ("ours", 0): (0.05, 0.5),
        ("ours", 1): (0.07, 0.7),
        ("no_center", 0): (0.09, 0.4),
    }
    jobs = plan_jobs(given)
    for job in jobs:
        if figures := values.get((job.system.key, job.seed)):
            names = ("proposals/CD", "proposals/mIoU")
            fake_work.finish_job(job, **dict(zip(names, figures, strict=True)))
    text = report.write_table(given, jobs, "gspn experiment table5")
    assert "|  | Ours | E-D | 1-Context | No Center Pred |" in text
    assert (
        "| CD | 0.060 ± 0.014 (0.045) | – (0.0532) | – (0.0524) | 0.090 (0.0571) |"
        in text
    )
    assert (
        "| seeds | 2 | 0 | 0 | 1 |" in text and "measured on val. Machine: toy." in text
    )
    tables = tmp_path / "tables"
    stored = json.loads((tables / "table5-rooms-small.json").read_text())
    ours = stored["rows"][0]["figures"]["mIoU"]
    assert ours["values"] == [0.5, 0.7] and ours["mean"] == pytest.approx(0.6)
    assert ours["spread"] == pytest.approx(0.02**0.5) and ours["paper"] == 0.581


def test_a_table_has_a_column_for_each_category(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, "table2", seeds=(0,))
    jobs = plan_jobs(given)
    ap50 = "instances/partnet/AP50"
    names = (ap50, f"{ap50}/category/Storage", f"{ap50}/category/Chair")
    fake_work.finish_job(jobs[1], **dict(zip(names, (0.3, 0.1, 0.2), strict=True)))
    text = report.write_table(given, jobs, "")
    assert "|  | All | Chair | Storage | seeds |" in text
    assert "| Ours | 0.300 | 0.200 (0.268) | 0.100 (0.267) |" in text


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (0, 1, 2)), ("7,", (7,)), ("4,2", (4, 2))]
)
def test_seeds(text, seeds):
    assert command.parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table7", "--data=rooms"], "argument table: invalid choice: 'table7'"),
        (["table4"], "the following arguments are required: --data"),
        (["table4", "--data=rooms", "--rows=sgpn"], "has no row 'sgpn', has box_reg"),
        (["table4", "--data=rooms", "--seeds=0"], "--seeds must be a number of at"),
        (["table4", "--data=nowhere"], "--data: no folder nowhere"),
        (["table4", "--data=rooms", "--budget=tiny"], "invalid choice: 'tiny'"),
    ],
)
def test_bad_command_lines(arguments, message, capsys, tmp_path):
    assert cli.main(["experiment", *arguments, f"--output={tmp_path}"]) != 0
    assert message in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_data_and_configs_that_no_table_can_be_made_of(tmp_path, capsys):
    toy_models.write_data(tmp_path / "data", val=0)
    words = ["experiment", "table4", f"--data={tmp_path / 'data'}"]
    words.append(f"--output={tmp_path / 'out'}")
    assert cli.main([*words, f"--config={ROOMS}"]) == 1
    assert "no labelled scenes to measure on" in capsys.readouterr().err
    assert cli.main([*words, "--config=run/config.json"]) == 1
    assert "--config must be FILE.py:VARIANT" in capsys.readouterr().err

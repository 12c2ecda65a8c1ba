"""Rows of an experiment that are done side by side, without training anything."""

import io
import os

import fake_work
import pytest
from rich.console import Console
from toy_experiments import experiment, planned

from gspn_tf.paper.experiments import progress, runner, worker
from gspn_tf.training import run_folder

CORES = os.sched_getaffinity(0)
two_cores = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")


def test_a_shared_run_keeps_no_core_waiting(data_dir, tmp_path):
    jobs = planned(experiment(data_dir, tmp_path))  # 4 rows of one stage one, 2 seeds
    first, other_seed = jobs[0], jobs[4]
    assert runner.next_job(jobs, []) == first
    assert runner.next_job(jobs[1:], [first]) == other_seed
    assert runner.next_job(jobs[1:4], [first]) is None
    assert runner.next_job(jobs[5:], [first, other_seed]) is None
    fake_work.do(first.tasks()[:1])
    assert runner.next_job(jobs[1:], [first]) == jobs[1]
    fake_work.do(first.tasks())
    assert runner.next_job(jobs[4:], [first]) == other_seed
    assert runner.next_job([], [first]) is None


def test_cores_are_shared_out_equally():
    assert runner.shares(1) == [sorted(CORES)]
    for count in range(1, len(CORES) + 1):
        found = runner.shares(count)
        assert [len(each) for each in found] == [len(CORES) // count] * count
        assert len({core for each in found for core in each}) == sum(map(len, found))


@two_cores
def test_rows_are_done_side_by_side_on_cores_of_their_own(
    data_dir, tmp_path, monkeypatch
):
    monkeypatch.setattr(worker, "perform", fake_work.finish)
    of_seed_0, beside, _, _, of_seed_1, *_ = planned(experiment(data_dir, tmp_path))
    jobs = [of_seed_0, beside, of_seed_1]
    calls = []
    console = Console(quiet=True)
    assert runner.run(jobs, tmp_path, console, lambda: calls.append(1), 2) == []
    assert len(calls) == 3 and not any(job.missing() for job in jobs)
    names, _, cores = zip(*fake_work.begun(tmp_path), strict=True)
    assert sorted(names[:2]) == sorted(
        runner.log_of(job, tmp_path).stem for job in (of_seed_0, of_seed_1)
    )
    assert names[2] == runner.log_of(beside, tmp_path).stem
    # Every thread of a process is on its own half, that of NumPy too.
    assert not set(cores[0]) & set(cores[1])
    assert {len(each) for each in cores} == {len(CORES) // 2}
    assert cores[2] in cores[:2]
    assert os.sched_getaffinity(0) == CORES


@two_cores
def test_a_failing_row_does_not_stop_those_beside_it(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "perform", fake_work.fail_if_first)
    jobs = planned(experiment(data_dir, tmp_path, "table5", seeds=(0,)))[:3]
    calls = []
    failed = runner.run(jobs, tmp_path, Console(quiet=True), lambda: calls.append(1), 2)
    assert len(failed) == 1 and ", seed 0: ValueError: a bad scene (see " in failed[0]
    assert len(calls) == 3 and [bool(job.missing()) for job in jobs].count(True) == 1


@two_cores
def test_an_interrupt_ends_every_row_at_work(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "perform", fake_work.finish_if_first)
    jobs = planned(experiment(data_dir, tmp_path, "table5", seeds=(0,)))

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(jobs, tmp_path, Console(quiet=True), interrupt, 2)
    assert len(fake_work.begun(tmp_path)) == 2
    for _, process, _ in fake_work.begun(tmp_path):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_log_has_a_line_for_each_task_that_begins(data_dir, tmp_path):
    jobs = planned(experiment(data_dir, tmp_path, seeds=(0,)))
    log = io.StringIO()
    display = progress.Display(jobs, Console(file=log, width=200), 2)
    first, second = jobs[2], jobs[0]
    for _ in range(2):
        display.update([first, second])
    lines = log.getvalue().splitlines()
    assert len(lines) == 2 and lines[0].startswith(
        "w/o pretraining, seed 0 (3 of 4): gspn on rooms; 0:00:0"
    )
    assert lines[1].startswith("w/o f_c, seed 0 (1 of 4): gspn on rooms; ")
    fake_work.do(second.tasks())
    display.update([first])  # it goes on with stage two, as stage one is the same
    lines = log.getvalue().splitlines()
    assert len(lines) == 3 and "(3 of 4): rpointnet on rooms; " in lines[2]


def test_a_terminal_has_a_line_for_each_row_at_work(data_dir, tmp_path):
    jobs = planned(experiment(data_dir, tmp_path, "table5", seeds=(0,)))
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    display = progress.Display(jobs, console, 2)
    rows = [{"epoch": i, "seconds": 10.0} for i in (1, 2)]
    task = jobs[1].tasks()[0]
    run_folder.RunFolder(task.folder).write_metrics("gspn", rows)

    def lines() -> list[tuple[str, float, float | None]]:
        whole, *others = display.bar.tasks
        assert (whole.description, whole.total) == ("all", 8)
        return [(each.description, each.completed, each.total) for each in others]

    title = "{}, seed 0 ({} of 4): gspn on rooms"
    display.update(jobs[:2])
    one, two = title.format("Ours", 1), title.format("E-D", 2)
    assert lines() == [(one, 0, task.epochs), (two, 2, task.epochs)]
    display.update(jobs[1:3])
    three = title.format("1-Context", 3)
    assert lines() == [(two, 2, task.epochs), (three, 0, task.epochs)]


def test_time_left_is_that_of_rows_side_by_side(data_dir, tmp_path):
    jobs = planned(experiment(data_dir, tmp_path, "table5", seeds=(0,)))[:2]
    console = Console(quiet=True)
    assert progress.Display(jobs, console, 2).estimate() is None
    rows = [{"epoch": i, "seconds": 10.0} for i in (1, 2)]
    for job in jobs:
        run_folder.RunFolder(job.tasks()[0].folder).write_metrics("gspn", rows)
    # Two times 11 epochs and a measurement, 10 s each.
    assert progress.Display(jobs, console).estimate() == pytest.approx(240)
    assert progress.Display(jobs, console, 2).estimate() == pytest.approx(120)
    assert progress.Display(jobs, console, 3).estimate() == pytest.approx(120)
    assert progress.Display(jobs[:1], console, 2).estimate() == pytest.approx(120)

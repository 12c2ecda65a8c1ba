"""What experiments print, on results that nothing was trained for."""

import csv
import dataclasses as dc
import io
import json

import pytest
from toy_experiments import experiment, finish, planned

from gspn_tf.paper.experiments import progress, report
from gspn_tf.training import run_folder


def test_mean_and_spread_beside_the_paper(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, "table5")
    values = {
        ("ours", 0): (0.05, 0.5),
        ("ours", 1): (0.07, 0.7),
        ("no_center", 0): (0.09, 0.4),
    }
    jobs = planned(given)
    for job in jobs:
        if figures := values.get((job.row.key, job.seed)):
            names = ("proposals/CD", "proposals/mIoU")
            finish(job, **dict(zip(names, figures, strict=True)))
    text = report.write(given, jobs, "gspn experiment table5")
    assert "|  | Ours | E-D | 1-Context | No Center Pred |" in text
    assert (
        "| CD | 0.060 ± 0.014 (0.045) | – (0.0532) | – (0.0524) | 0.090 (0.0571) |"
        in text
    )
    assert "| min | 1.000 ± 0.000 | – | – | 1.000 |" in text
    assert "| seeds | 2 | 0 | 0 | 1 |" in text
    assert "measured on val" in text and "2 x toy" in text
    assert (
        "- CD: Ours, then No Center Pred; smallest gap 0.030, largest spread 0.014; "
        "the paper: the same order" in text
    )
    tables = tmp_path / "tables"
    stored = json.loads((tables / "table5-rooms-small.json").read_text())
    ours = stored["rows"][0]["figures"]["mIoU"]
    assert ours["values"] == [0.5, 0.7] and ours["mean"] == pytest.approx(0.6)
    assert ours["spread"] == pytest.approx(0.02**0.5) and ours["paper"] == 0.581
    rows = csv.DictReader(io.StringIO((tables / "table5-rooms-small.csv").read_text()))
    found = {(row["row"], row["figure"]): row for row in rows}
    assert found["Ours", "CD"]["values"] == "0.05 0.07"
    assert found["E-D", "CD"]["mean"] == "" and found["E-D", "CD"]["paper"] == "0.0532"
    assert (
        "Generative model designs" in (tables / "table5-rooms-small.html").read_text()
    )


def test_a_table_has_a_column_for_each_category(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path, "table2", seeds=(0,))
    jobs = planned(given)
    ap50 = "instances/partnet/AP50"
    names = (ap50, f"{ap50}/category/Storage", f"{ap50}/category/Chair")
    finish(jobs[1], **dict(zip(names, (0.3, 0.1, 0.2), strict=True)))
    text = report.write(given, jobs, "")
    assert "|  | All | Chair | Storage | min | seeds |" in text
    assert "| Ours | 0.300 | 0.200 (0.268) | 0.100 (0.267) | 1.000 | 1 |" in text


def test_tables_of_other_configs_are_apart(data_dir, tmp_path):
    given = experiment(data_dir, tmp_path)
    assert given.name == "table6-rooms-small"
    changed = dc.replace(given, overrides=("--config.train.batch_size=4",))
    assert changed.name.startswith("table6-rooms-small-")
    source = dc.replace(given.source, config="configs/views.py:small")
    assert dc.replace(given, source=source).name not in (given.name, changed.name)


def test_time_left_counts_epochs_of_each_stage(data_dir, tmp_path):
    todo = planned(experiment(data_dir, tmp_path, "table6", seeds=(0,)))[-1].tasks()
    assert [t.label for t in todo[:2]] == ["gspn on rooms", "rpointnet on rooms"]
    assert progress.seconds_left(todo) is None
    first, second, _ = todo
    rows = [{"epoch": i, "seconds": 10.0} for i in (1, 2)]
    run_folder.RunFolder(first.folder).write_metrics("gspn", rows)
    # 13 + 20 epochs and one measurement, at 10 s each while nothing else is known.
    assert progress.seconds_left(todo) == pytest.approx((11 + 20 + 1) * 10)
    rows = [{"epoch": 1, "seconds": 30.0}]
    run_folder.RunFolder(second.folder).write_metrics("rpointnet", rows)
    assert progress.seconds_left(todo) == pytest.approx(11 * 10 + 19 * 30 + 20)
    assert progress.clock(3723.4) == "1:02:03"

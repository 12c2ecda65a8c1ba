"""The ops give what the portable ones give in every case, and the table says so."""

import pytest
import tensorflow as tf
import toy_models

from benchmarks import ops
from benchmarks.case import OURS, Timed, checked
from gspn_tf import config as config_lib
from gspn_tf.commands import benchmark, timings
from gspn_tf.commands.command import UserError, invoke


@pytest.mark.slow
def test_every_case_is_right_at_full_size():
    for case in ops.cases(scan=None):
        checked(case)


def test_the_table_has_every_library():
    comparisons = [Timed("FPS", OURS, 2.0, 1), Timed("FPS", "fpsample", 3000, 0.5)]
    ours, other = ops.markdown_table([comparisons]).split("\n")[2:]
    assert ours == f"| FPS | {OURS} | yes | 2.000 | 1.00x |"
    assert other == "| FPS | fpsample | 50.00% | 3,000.000 | 1500.00x |"


def test_products_are_counted_with_those_of_the_gradient():
    x, kernel = tf.ones([5, 2]), tf.Variable(tf.ones([2, 3]))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.matmul(x, kernel))
        return tape.gradient(loss, [x, kernel])

    with timings.counted_products() as total:
        step()
    assert int(total) == 3 * 5 * 2 * 3


@pytest.mark.long
def test_the_benchmark_of_a_model_gives_floors_and_memory(tmp_path, data_dir, capsys):
    config = tmp_path / "tiny.json"
    config.write_text(config_lib.to_json(toy_models.config()))
    flags = {"subject": "model", "config": str(config), "data": str(data_dir)}
    invoke(benchmark.COMMAND, **flags, repeats=1, precision="float32,bfloat16")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * 2 * 3
    assert all("floor" in line for line in lines[1::3])
    assert all("MB" in line for line in lines[2::3])


def test_a_precision_that_is_none_is_named():
    with pytest.raises(UserError, match="--precision must be of float32, .*'half'"):
        invoke(benchmark.COMMAND, subject="model", precision="float32,half")

"""The paper's tables as experiments: what is trained, in what order, and what came out.

`tables` says what the tables are, `plan` what they need, `worker` does it in a process
of its own, `runner` goes through all of it, and `summary` writes what there is so far.
None but `worker`, `folds` and `measuring` import TensorFlow.
"""

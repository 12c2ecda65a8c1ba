"""Training on several hosts as on one with their batches together.

All hosts run the same program. The first one is the chief, which reads and writes the
run folder; the others take from it what it has read. The step is the model's own
`train_step`; Keras's `fit` calls it on one host, and cannot on several, for which
`Hosts.fit` goes through an epoch instead.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gspn_tf.nn import replicas

DOWN = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class HostError(ValueError):
    """A training that cannot go on as another host has ended."""


def join(workers: str | None = None, rank: int | None = None) -> tf.distribute.Strategy:
    """Meet the other hosts of a training; to be called before TensorFlow computes.

    Args:
        workers: "host:port,host:port", the same on all hosts, of which the first is the
            chief; "slurm": the tasks of this Slurm step; None: those of the environment
            variable TF_CONFIG, and without one this process alone.
        rank: This host's place among the workers, from 0 on.

    Raises:
        ValueError: the place is missing or is none of the workers'.
    """
    if workers == "slurm":
        addresses, rank = _slurm_tasks()
    else:
        addresses = workers.split(",") if workers else []
    if addresses:
        if rank is None or not 0 <= rank < len(addresses):
            raise ValueError(
                f"rank must be 0 to {len(addresses) - 1}, this host's place among "
                f"{','.join(addresses)}, got {rank}"
            )
        task = {"type": "worker", "index": rank}
        cluster = {"cluster": {"worker": addresses}, "task": task}
        os.environ["TF_CONFIG"] = json.dumps(cluster)
    elif rank is not None:
        raise ValueError(f"rank {rank} needs workers, the addresses of all hosts")
    if "TF_CONFIG" not in os.environ:
        return tf.distribute.get_strategy()
    return tf.distribute.MultiWorkerMirroredStrategy()


def _slurm_tasks() -> tuple[list[str], int]:
    """Addresses of the tasks of a Slurm step, and the own place among them."""
    try:
        # Of GPUs each task sees those that Slurm gives it: none are dealt out here.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=1 << 16, gpus_per_task=1, auto_set_gpu=False
        )
    except RuntimeError as error:
        raise ValueError(
            f"workers=slurm needs the variables of a step that srun started: {error}"
        ) from error
    addresses = resolver.cluster_spec().as_dict()["worker"]
    return addresses, resolver.get_task_info()[1]


class Hosts:
    """The hosts of a training, one or several, as its loop sees them."""

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        self.strategy = strategy or tf.distribute.get_strategy()
        resolver = self.strategy.cluster_resolver
        self.replicas = self.strategy.num_replicas_in_sync
        self.count, self.number = 1, 0  # of hosts, and of this one among them
        if resolver and resolver.cluster_spec():
            self.count = resolver.cluster_spec().num_tasks("worker")
            self.number = resolver.task_id
        self.devices = self.replicas // self.count  # of this host

    @property
    def is_chief(self) -> bool:
        """Whether this one reads and writes the run folder."""
        return self.number == 0

    def check(self, batch_size: int) -> None:
        """Raise ValueError unless all replicas can have as many scenes of a batch."""
        if batch_size % self.replicas:
            raise ValueError(
                "train.batch_size, of all replicas together, must be a multiple of "
                f"their number {self.replicas} ({self.count} hosts), got {batch_size}"
            )

    def agree(self, value: Any) -> Any:
        """Return the chief's value, which JSON can hold, on all hosts."""
        if self.count == 1:
            return value
        text = json.dumps(value).encode()
        (length,) = self._of_chief([tf.constant(len(text))])
        codes = list(text) if self.is_chief else [0] * int(length)
        (codes,) = self._of_chief([tf.constant(codes)])
        return json.loads(bytes(codes.numpy().tolist()))

    def share_state(self, model: keras.Model) -> None:
        """Give all hosts the chief's state of a model, but for its metrics."""
        if self.count == 1:
            return
        metrics = set(map(id, model.metrics_variables))
        state = [v for v in model.variables if id(v) not in metrics]
        state += model.optimizer.variables
        values = self._of_chief([tf.convert_to_tensor(v) for v in state])
        for variable, value in zip(state, values, strict=True):
            variable.assign(value)

    def _of_chief(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        def replica() -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            other = tf.cast(context.replica_id_in_sync_group, tf.int32) > 0
            own = [tf.where(other, tf.zeros_like(x), x) for x in values]
            return [context.all_reduce("sum", x) for x in own]

        found = self.strategy.run(tf.function(replica))
        return [self.strategy.experimental_local_results(x)[0] for x in found]

    @contextlib.contextmanager
    def own_folder(self, path: Path) -> Iterator[Path]:
        """Give the chief the folder, and others one of their own that they remove.

        All write: a variable that each replica has its own part of needs all to read.
        """
        if self.is_chief:
            yield path
        else:
            with tempfile.TemporaryDirectory() as scratch:
                yield Path(scratch)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Say in one line that another host has ended.

        Raises:
            HostError: what the hosts do together has failed.
        """
        try:
            yield
        except DOWN as error:
            if self.count == 1:
                raise
            raise HostError(
                f"host {self.number} of {self.count} ends, as another has ended or "
                "cannot be reached: start all again, and the training goes on after "
                "the last epoch that was completed"
            ) from error

    def fit_of(self, model: keras.Model) -> Callable[..., Any]:
        """Give `fit` of a compiled model: Keras's own, or that of several replicas."""
        if self.replicas == 1:
            return model.fit
        return ReplicaFit(model, self)


class ReplicaFit:
    """Does what `fit` does in an epoch, by `strategy.run`."""

    def __init__(self, model: keras.Model, hosts: Hosts) -> None:
        self.model, self.hosts = model, hosts
        run = hosts.strategy.run
        self.train_step = tf.function(
            lambda batch: run(model.train_step, (batch,)), reduce_retracing=True
        )
        self.test_step = tf.function(
            lambda batch: run(_test_alone, (model, batch)), reduce_retracing=True
        )

    def __call__(
        self,
        batches: tf.data.Dataset,
        *,
        initial_epoch: int,
        validation_data: tf.data.Dataset | None,
        callbacks: list[keras.callbacks.Callback],
        **_: Any,
    ) -> None:
        """Go through one epoch: see `keras.Model.fit`.

        Args:
            batches: Of one replica each, this host's share of the epoch.
            initial_epoch: The number of the epoch.
            validation_data: All validation batches; each host sees some of them.
            callbacks: That are told of it.
            **_: Without effect here.
        """
        strategy, model = self.hosts.strategy, self.model
        steps = len(batches) // self.hosts.devices
        calls = keras.callbacks.CallbackList(
            callbacks, model=model, epochs=initial_epoch + 1, steps=steps
        )
        shared = iter(strategy.distribute_datasets_from_function(lambda _: batches))
        model.reset_metrics()
        calls.on_epoch_begin(initial_epoch)
        for step in range(steps):
            self.train_step(next(shared))
            calls.on_train_batch_end(step)
        logs = self.logs()
        if validation_data is not None:
            model.reset_metrics()
            own = validation_data.shard(self.hosts.count, self.hosts.number)
            calls.on_test_begin()
            for batch in own:
                self.test_step(batch)
            calls.on_test_end()
            logs |= {f"val_{name}": value for name, value in self.logs().items()}
        calls.on_epoch_end(initial_epoch, logs)

    def logs(self) -> dict[str, float]:
        """The means of all replicas."""
        means = self.model.get_metrics_result()
        return {name: float(value) for name, value in means.items()}


def _test_alone(model: keras.Model, batch: Any) -> None:
    """Track the losses of a batch that no other replica has a part of."""
    with replicas.as_one():
        model.test_step(batch)

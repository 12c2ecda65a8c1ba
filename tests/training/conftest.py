"""Trainings of toy networks."""

import pytest
import toy_models

from gspn_tf.training import loop as training


@pytest.fixture
def toys(monkeypatch):
    """Toy networks are what trainings build."""
    monkeypatch.setattr(training.models, "build", toy_models.build)


@pytest.fixture(scope="session")
def whole(data_dir, tmp_path_factory):
    """A run of both stages, three epochs each. Not to be written to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.models, "build", toy_models.build)
        path = tmp_path_factory.mktemp("whole") / "run"
        return training.train(toy_models.config(), data_dir, path)

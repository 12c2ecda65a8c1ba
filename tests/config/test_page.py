"""docs/configuration.md says what the schema says."""

import dataclasses as dc
from pathlib import Path

import pytest

from gspn_tf.config import page

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_up_to_date():
    assert COMMITTED.read_text(encoding="utf-8") == page.page(), (
        "run python -m gspn_tf.config.page docs/configuration.md"
    )


@pytest.mark.parametrize("cls", page.PLACES, ids=lambda cls: cls.__name__)
def test_every_option_has_a_meaning(cls):
    options = list(page.options_of(cls))
    assert [option.name for option in options] == [f.name for f in dc.fields(cls)]
    assert not [option.name for option in options if not option.meaning]

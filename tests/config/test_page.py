"""docs/configuration.md says what the schema says."""

import dataclasses as dc
from pathlib import Path

import pytest

from gspn_tf import config as c
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


def test_an_option_has_its_type_default_and_comments():
    seeds, power = (
        next(x for x in page.options_of(cls) if x.name == name)
        for cls, name in (
            (c.GSPNConfig, "num_seeds"),
            (c.BackboneConfig, "interpolation_power"),
        )
    )
    assert seeds == ("num_seeds", "int", "`512`", "Seeds of a training scene; Table 8.")
    assert power.meaning.startswith("A neighbour at distance d weighs 1/d^power: 1 in")
    assert power.meaning.endswith("2 in the release (pointnet_util.py:156).")

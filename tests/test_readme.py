"""The documents' commands are commands that exist, with flags that exist."""

import re
import shlex
from pathlib import Path

import pytest

import gspn_tf
from gspn_tf.commands import main as cli
from gspn_tf.config import loading as config_loading

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = "\n".join(
    [README, *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))]
)
CONFIGS = "\n".join(path.read_text() for path in (ROOT / "configs").glob("*.py"))


def commands() -> list[str]:
    """Every `gspn ...` line of a code block, continued lines joined."""
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", DOCUMENTS, re.S)
    text = re.sub(r"\\\n\s*", "", "\n".join(blocks) + CONFIGS)
    lines = re.findall(r"^(?:Command)?\s*gspn ([a-z].*)$", text, re.M)
    return [line.split("#")[0].strip() for line in lines]


def test_commands_are_found():
    assert len(commands()) >= 8


@pytest.mark.parametrize("line", commands())
def test_command_line_is_understood(line):
    _, flags = cli.parse_command_line(shlex.split(line))
    if config := getattr(flags, "config", None):
        config_loading.load_config(config)


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.M))
def test_make_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize(
    "path", re.findall(r"`(?:--config=)?((?:gspn_tf|tf_ops|configs)/\S+)`", README)
)
def test_files_that_are_named_exist(path):
    name, _, variant = path.partition(":")
    assert (ROOT / name).exists()
    if variant:
        config_loading.load_config(path)


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)\S+)\)", README))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", gspn_tf.__all__)
def test_public_names_resolve(name):
    assert getattr(gspn_tf, name) is not None


def test_unknown_name_is_an_error_that_lists_the_known():
    with pytest.raises(AttributeError, match="RPointNet"):
        gspn_tf.rpointnet_model  # noqa: B018

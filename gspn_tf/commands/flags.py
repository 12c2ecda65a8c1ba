"""How a command declares its flags."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags as absl_flags


class Flag(NamedTuple):
    """One flag of a command, or an argument that is known by its place."""

    words: tuple[str, ...]  # "--output", or "scan" of an argument without dashes
    options: dict[str, Any]  # those of `ArgumentParser.add_argument`

    @property
    def name(self) -> str:
        """The name of its value."""
        return self.words[0].lstrip("-")


def flag(name: str, text: str, default: Any = None, **options: Any) -> Flag:
    """Declare a flag.

    Args:
        name: Its name with the dashes, or several with spaces between.
        text: The help, to which the default is added.
        default: Its value if it is not given. False makes it a switch; else the
            flag's type is that of the default, or str, unless `options` has a `type`.
        **options: Those of `ArgumentParser.add_argument`.
    """
    if default is False:
        options["action"] = "store_true"
    elif default is not None:
        options.setdefault("type", type(default))
        text += f" (default {default})"
    options |= {"default": default, "help": text.replace("%", "%%")}
    return Flag(tuple(name.split()), options)


def integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of a flag that holds an integer of a range."""
    return _of_words(absl_flags.IntegerParser(least, most))


def real(least: float, most: float) -> Callable[[str], float]:
    """The type of a flag that holds a number of a range."""
    return _of_words(absl_flags.FloatParser(least, most))


def _of_words(parser: absl_flags.ArgumentParser) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return parser.parse(text)
        except ValueError as error:
            wanted = parser.syntactic_help
            raise ArgumentTypeError(f"must be {wanted}, got {text!r}") from error

    return parse


PRECISION = flag(
    "--precision",
    "Type of products and activations; weights, geometry and losses are float32.",
    "float32",
    choices=("float32", "bfloat16", "float16"),
)
DEFAULT_MODEL = "indoor"
MODEL = flag("--model", "Run folder, or preset or its folder.", DEFAULT_MODEL)
JSON = flag("--json", "Also write the metrics to this file.")
POINT_SEED = flag("--seed", "Of the points that the network sees.", 0, type=integer(0))

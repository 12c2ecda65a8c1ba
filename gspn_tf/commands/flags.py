"""How a command declares its flags."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags as absl_flags


class Flag(NamedTuple):
    """One flag of a command: what `ArgumentParser.add_argument` takes."""

    names: tuple[str, ...]
    options: dict[str, Any]


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
    return Flag(
        tuple(name.split()),
        {"default": default, "help": text.replace("%", "%%"), **options},
    )


def integer(least: int | None = None, most: int | None = None) -> Callable[[str], int]:
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


def scale(text: str) -> float:
    """The type of a flag that holds the metres per unit of a file."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"must be positive, got {text!r}")
    return value


JSON = flag("--json", "Also write the metrics to this file.")

"""Parts of a work that several processes share, such as those of a job array."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class JobShare(NamedTuple):
    """Every `total`-th item of a work, from the number-th on; number is 1..total."""

    number: int = 1
    total: int = 1

    @classmethod
    def parse(cls, text: str) -> "JobShare":
        """Read "2/3"; ValueError where it is no such part."""
        number, _, total = text.partition("/")
        if number.isdecimal() and total.isdecimal() and 0 < int(number) <= int(total):
            return cls(int(number), int(total))
        raise ValueError(f"must be a part such as 1/3, 2/3 or 3/3, got {text!r}")

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Take this part of items."""
        return items[self.number - 1 :: self.total]

    @property
    def suffix(self) -> str:
        """Ending of the names of its files: ".2-of-3"; nothing for the whole work."""
        return "" if self.total == 1 else f".{self.number}-of-{self.total}"

"""How long work tells the command line how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what, done, total


def quiet(what: str, done: int, total: int) -> None:
    """Say nothing."""

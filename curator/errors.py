"""The errors that curator raises on purpose, each with the exit code that the command line ends with.

    CuratorError              1  a fault of ours
    ├── StageError            1  a step broke the law that nothing is lost
    ├── UsageError            2  wrong words or settings
    │   ├── RecipeError       2  a recipe that cannot be run
    │   ├── PackError         2  a pack that cannot be used
    │   ├── FileError         2  a file refused whole
    │   └── MissingExtra      2  a package that this command needs
    ├── SourceError           4  a source unreachable or incomplete; nothing of this step was kept
    ├── AuthError             5  a token or password that the server refuses
    ├── StorageError          6  this disk: full, read-only, damaged
    ├── StoreLocked           7  somebody else writes to the store
    ├── PolicyError           8  consent, licence, leak, unsafe file, mass deletion
    └── WorkerError           9  out of memory, or a worker that was killed

Each takes one message (what, where, what was kept, what to do next), so that it survives pickling.
"""

from difflib import get_close_matches


class CuratorError(Exception):
    """An error whose message is meant for the person at the keyboard."""

    code = 1


class StageError(CuratorError):
    """A step lost or doubled rows."""


class UsageError(CuratorError):
    """Wrong words, settings or files."""

    code = 2


class RecipeError(UsageError):
    """A recipe that cannot be run."""


class PackError(UsageError):
    """A pack that cannot be used."""


class FileError(UsageError):
    """A file refused whole, with nothing of it kept."""


class MissingExtra(UsageError):
    """A package that is not installed."""


class SourceError(CuratorError):
    """A source that cannot be reached or answers incompletely."""

    code = 4


class AuthError(CuratorError):
    """A token or password that the server refuses."""

    code = 5


class StorageError(CuratorError):
    """Local storage that is full, read-only or damaged."""

    code = 6


class StoreLocked(CuratorError):
    """A store that another process is writing to."""

    code = 7


class PolicyError(CuratorError):
    """Something that may not be done: a leak, an unsafe file, a withdrawn consent."""

    code = 8


class WorkerError(CuratorError):
    """A worker that ran out of memory or was killed."""

    code = 9


QUARANTINED = 3  # exit code of a command that finished, with some records set aside


def nearest(word: str, known: list[str]) -> str:
    """Say which known word was probably meant, or list them all.

    >>> nearest("thresold", ["threshold", "least"])
    "Did you mean 'threshold'?"
    >>> nearest("x", ["threshold", "least"])
    'There are: least, threshold.'
    """
    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(sorted(known)) or 'none'}."

"""What can go wrong for a user, each with the thing at fault and the remedy in its message."""

from __future__ import annotations


def counted(number: int, thing: str, things: str = "") -> str:
    """Return '1 document', '2 documents'; `things` where an s does not make the plural."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


class EverygrainError(Exception):
    """Any problem that a user can mend.

    problem   what is wrong, naming the file, line, field or value at fault
    remedy    what to do about it
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[EverygrainError], tuple[str, str]]:
        """Let a worker process hand the error to its parent."""
        return type(self), (self.problem, self.remedy)


class InputError(EverygrainError):
    """A source, a record or a value from outside cannot be used."""


class QueryError(EverygrainError):
    """A query, a filter expression or a search setting makes no sense."""


class ModelError(EverygrainError):
    """An encoder's files, package or service is missing, damaged or unreachable."""


class StoredIndexError(EverygrainError):
    """An index is missing, damaged, or of another schema."""


class LockedError(StoredIndexError):
    """Another process is writing to the index."""


class EncoderMismatchError(StoredIndexError):
    """An index was built with an encoder of another fingerprint."""


class StorageError(StoredIndexError):
    """The disk refused: full, read-only, or no permission."""


class MeasureError(EverygrainError):
    """Judgements, measures or runs that cannot be evaluated."""

"""What a source is: batches of papers, each with the place from which to go on."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from everygrain.errors import InputError, StorageError
from everygrain_papers.paper import Paper, of_record

Cursor = Mapping[str, Any]  # JSON values that only the source itself reads


@dataclass(frozen=True, slots=True)
class Deleted:
    """A paper that its source withdrew.

    id     as the paper had it
    date   when, as YYYY-MM-DD; None where the source does not say
    """

    id: str
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """What a source says of a paper apart from the paper itself, as in a dump of abstracts.

    id       of the paper, which may have come before or is still to come
    fields   values as in `Paper.record()`; they stand above what the paper's own record says,
             those of `more` one by one

    Raises InputError for fields that no Paper has or could hold, and for none.
    """

    id: str
    fields: Mapping[str, Any]

    def __post_init__(self) -> None:
        known = {each.name for each in fields(Paper)} - {"id", "source"}
        if not self.fields or not self.fields.keys() <= known:
            raise InputError(
                f"An addition to '{self.id}' says nothing of a paper.",
                f"Give one or more of {', '.join(sorted(known))}.",
            )
        of_record({"title": "to be told", **self.fields, "id": self.id})

    def to(self, paper: Paper) -> Paper:
        """Return the paper with these fields."""
        return of_record(laid_over(paper.record(), self.fields))


def laid_over(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a record with others above them; those of `more` one by one."""
    laid = {**before, **after}
    if "more" in before and "more" in after:
        laid["more"] = {**before["more"], **after["more"]}
    return laid


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read, and why.

    place    the source, and the line, record or page in it
    reason   what is wrong, and the remedy
    raw      the record as it came, at most 1,000 characters; may be empty
    """

    place: str
    reason: str
    raw: str = ""


OnReject = Callable[[Reject], None]
Item = Paper | Deleted | Addition


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items in the order of the source, and the cursor behind the last of them.

    items    may be empty
    cursor   given back to `Source.batches`, it goes on after this batch
    last     whether the source has nothing more for now
    """

    items: tuple[Item, ...]
    cursor: Cursor = field(default_factory=dict)
    last: bool = False


class Source(Protocol):
    """Where papers come from.

    name   what its state is kept under; another place is another name
    """

    @property
    def name(self) -> str: ...

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield batches from the cursor on, or from the beginning.

        The cursor of the last batch leads to what is new since then, so that the same call is a
        first harvest, the rest of one that was interrupted, or an update. A batch may repeat
        papers that came before: storing them again changes nothing.
        A broken record goes to `reject`, or is logged without one, and the next one is read.
        Raises InputError where nothing more can be read; what came before stays good.
        """
        ...


def logged(reject: Reject) -> None:
    """Log a reject as a warning."""
    logging.getLogger("everygrain_papers").warning("%s: %s", reject.place, reject.reason)


@dataclass(frozen=True)
class Progress:
    """How far each source was read: one small JSON file.

    path   the file; it is replaced as a whole, so that a crash leaves the old state or the new
    """

    path: Path

    def cursor(self, name: str) -> Cursor | None:
        """Return where to go on in the source; None where it was never read."""
        return self._read().get(name)

    def save(self, name: str, cursor: Cursor) -> None:
        """Keep where to go on. Raises StorageError if the file cannot be written."""
        self._write({**self._read(), name: dict(cursor)})

    def forget(self, name: str) -> None:
        """Begin the source anew next time."""
        self._write({key: value for key, value in self._read().items() if key != name})

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"The state of the sources {self.path} cannot be read: {error}.",
                "Delete the file: all sources are read anew, and nothing stored is lost.",
            ) from error
        if not isinstance(told, dict) or not all(isinstance(v, dict) for v in told.values()):
            raise InputError(
                f"The state of the sources {self.path} is no object of objects.",
                "Delete the file: all sources are read anew, and nothing stored is lost.",
            )
        return told

    def _write(self, state: Mapping[str, Cursor]) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        text = json.dumps(state, indent=1)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise StorageError(
                f"The state of the sources {self.path} cannot be written: {error.strerror}.",
                "Make room, or give a path that can be written.",
            ) from error


def resumed(
    source: Source, progress: Progress, reject: OnReject | None = None
) -> Iterator[tuple[Item, ...]]:
    """Yield the items of each batch; go on where the last run stopped.

    A cursor is kept once the caller comes back for more, by which time it has stored the items:
    a crash in between repeats a batch, and never loses one.
    """
    for batch in source.batches(progress.cursor(source.name), reject):
        yield batch.items
        progress.save(source.name, batch.cursor)

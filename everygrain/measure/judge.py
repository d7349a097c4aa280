"""What a person says of a document for a query: a grade from 0 to 3, or nothing, and a note."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from everygrain.errors import InputError
from everygrain.read.lines import decode
from everygrain.read.record import parse_json

GRADES: Mapping[int, tuple[str, str]] = {
    0: ("Irrelevant", "not about it"),
    1: ("Related", "on the topic only"),
    2: ("Relevant", "answers in part"),
    3: ("Perfect", "answers it fully"),
}
LONGEST_NAME = 64
LONGEST_NOTE = 10_000

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of a document for a query.

    grade     a key of GRADES; None where there is none
    skipped   looked at and left without a grade
    undoes    this line takes the judge's last one back
    at        UTC, ISO 8601

    Raises InputError for a value that is none of these.
    """

    judge: str
    query_id: str
    document_id: str
    grade: int | None = None
    skipped: bool = False
    note: str = ""
    undoes: bool = False
    at: str = ""

    def __post_init__(self) -> None:
        check_judge(self.judge)
        for name in ("query_id", "document_id", "note", "at"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"The field '{name}' is missing, or no text.", "Mend it.")
        if not _storable(self.query_id + self.document_id + self.note):
            raise InputError("A text holds a lone surrogate.", "Type it again.")
        if len(self.note) > LONGEST_NOTE:
            raise InputError(
                f"The note has {len(self.note):,} characters.", f"Use at most {LONGEST_NOTE:,}."
            )
        if self.grade is not None and (type(self.grade) is not int or self.grade not in GRADES):
            raise InputError(f"There is no grade {self.grade!r}.", "Use 0, 1, 2 or 3.")
        if type(self.skipped) is not bool or type(self.undoes) is not bool:
            raise InputError("'skipped' and 'undoes' are true or false.", "Mend the line.")
        if self.skipped and self.grade is not None:
            raise InputError("A document is skipped or graded, not both.", "Choose one.")

    @property
    def pair(self) -> Pair:
        return self.query_id, self.document_id

    @property
    def is_done(self) -> bool:
        """Tell whether the judge has graded or skipped it."""
        return self.skipped or self.grade is not None


def check_judge(name: str) -> None:
    """Raise InputError unless a judge can have this name."""
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise InputError(
            f"The judge's name is {name!r}.", "Give a name without spaces at its ends."
        )
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"The judge's name {name[:LONGEST_NAME]!r} is too long, or holds control characters.",
            f"Use at most {LONGEST_NAME} letters.",
        )


def to_line(judgement: Judgement) -> bytes:
    """Return a judgement as one line of JSON, with its line break."""
    return json.dumps(asdict(judgement), ensure_ascii=False).encode() + b"\n"


def of_line(line: bytes) -> Judgement:
    """Read what `to_line` wrote. Raises InputError for a line that is no judgement."""
    row: Any = parse_json(decode(line))
    if not isinstance(row, dict) or any(name not in Judgement.__slots__ for name in row):
        raise InputError("The line is no judgement.", "Remove it.")
    if not {"judge", "query_id", "document_id"} <= row.keys():
        raise InputError("The line lacks its judge, query or document.", "Remove it.")
    return Judgement(**row)


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Labelled abstracts from JSON Lines, whatever names their labels go by."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from everygrain.errors import InputError
from everygrain_papers.functions.base import FUNCTIONS, Function

# what other collections call the functions
NAMES: dict[str, Function] = {
    **{function: function for function in FUNCTIONS},
    "objective": "problem", "objectives": "problem", "aim": "problem", "purpose": "problem",
    "methods": "method", "results": "result", "conclusion": "result", "conclusions": "result",
    "introduction": "background",
}  # fmt: skip


@dataclass(frozen=True)
class LabelledAbstract:
    """An abstract whose sentences have their functions.

    Raises InputError, naming the abstract, where the two differ in number.
    """

    id: str
    sentences: tuple[str, ...]
    functions: tuple[Function, ...]

    def __post_init__(self) -> None:
        if len(self.sentences) != len(self.functions):
            raise InputError(
                f"The abstract '{self.id}' has {len(self.sentences)} sentences and "
                f"{len(self.functions)} labels.",
                "Give every sentence one label.",
            )


def read(path: str | Path) -> list[LabelledAbstract]:
    """Read {"id", "sentences": [...], "labels": [...]} lines, as .jsonl or .jsonl.gz.

    Labels are those of NAMES in any case. Raises InputError, naming file and line.
    """
    try:
        return list(_read(Path(path)))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error}).", "Give a file of JSON Lines in UTF-8."
        ) from None


def _read(path: Path) -> Iterator[LabelledAbstract]:
    packed = path.suffix == ".gz"
    with (
        gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as lines
    ):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                sentences, labels = record["sentences"], record["labels"]
                if not isinstance(sentences, list) or not isinstance(labels, list):
                    raise TypeError("`sentences` and `labels` are lists")
                if not all(isinstance(each, str) for each in (*sentences, *labels)):
                    raise TypeError("sentences and labels are texts")
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}, line {number}: no labelled abstract ({error!r}).",
                    'Give {"id": ..., "sentences": [...], "labels": [...]}.',
                ) from None
            for label in labels:
                if label.lower() not in NAMES:
                    raise InputError(
                        f"{path}, line {number}: there is no label '{label}'.",
                        f"Use one of: {', '.join(NAMES)}.",
                    )
            functions = tuple(NAMES[label.lower()] for label in labels)
            identity = str(record.get("id", number))
            try:
                yield LabelledAbstract(identity, tuple(sentences), functions)
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error.problem}", error.remedy) from None

"""A glossary of many abstracts: each term once, with its definitions, and links to it.

Two terms are one if their words are, whatever their case, hyphens and plural s; a word with two
capitals or more keeps its case, so that "AI" is no word of another kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from everygrain import Document, Span
from everygrain.errors import InputError
from everygrain_papers.functions.definitions import FORMS, Definition, find

Key = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 8  # words of a term that links look for


def key(term: str) -> Key:
    """Return what two spellings of one term share."""
    return tuple(_same(word) for word in _WORD.findall(term))


def _same(word: str) -> str:
    stem = word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "sui" else word
    if sum(c.isupper() for c in stem) >= 2:
        return stem[:-1] if len(stem) > 2 and stem[-1] == "s" else stem
    return stem.casefold()


@dataclass(frozen=True, slots=True)
class Meaning:
    """One definition of a term, with its text as it stands in its document."""

    text: str
    definition: Definition


@dataclass(frozen=True)
class Entry:
    """A term: how it is mostly written, what it means, and which entries belong to it.

    meanings    the surest form first, then those in more documents, then by place
    long_forms  of an abbreviation: key -> number of documents; several where it is ambiguous
    short_forms of a long form: key -> number of documents
    see         keys of other terms in its definitions, in order
    """

    key: Key
    term: str
    meanings: tuple[Meaning, ...]
    long_forms: Mapping[Key, int] = field(default_factory=dict)
    short_forms: Mapping[Key, int] = field(default_factory=dict)
    see: tuple[Key, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the documents spell an abbreviation out in more than one way."""
        return len(self.long_forms) > 1


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a text where a term of the glossary stands."""

    span: Span
    key: Key


@dataclass(frozen=True)
class Glossary:
    """Entries by key, in the order of their keys."""

    entries: Mapping[Key, Entry]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Glossary:
        """Find the definitions of all documents and put them together."""
        written: dict[Key, Counter[str]] = {}
        meanings: dict[Key, list[Meaning]] = {}
        short_forms: dict[Key, Counter[Key]] = {}
        long_forms: dict[Key, Counter[Key]] = {}
        for document in documents:
            pairs: set[tuple[Key, Key]] = set()
            for definition in find(document):
                term, text = definition.of(document)
                own = key(term)
                if not own:
                    continue
                written.setdefault(own, Counter())[term] += 1
                meanings.setdefault(own, []).append(Meaning(text, definition))
                if definition.form == "abbreviation" and key(text):
                    written.setdefault(key(text), Counter())[text] += 1
                    pairs.add((own, key(text)))
            for short, long in sorted(pairs):
                long_forms.setdefault(short, Counter())[long] += 1
                short_forms.setdefault(long, Counter())[short] += 1
        made = {}
        for own in sorted(written):
            found = _ordered(meanings.get(own, []))
            see = [
                each
                for meaning in found
                for _, _, each in _occurrences(meaning.text, written)
                if each != own
            ]
            made[own] = Entry(
                own,
                min(written[own].items(), key=lambda told: (-told[1], told[0]))[0],
                found,
                dict(long_forms.get(own, Counter()).most_common()),
                dict(short_forms.get(own, Counter()).most_common()),
                tuple(dict.fromkeys(see)),
            )
        return cls(made)

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, term: str) -> Entry | None:
        """Return the entry of a term in any spelling."""
        return self.entries.get(key(term))

    def links(self, document: Document) -> list[Link]:
        """Return where terms stand in a document's text, the longest first come, none over another.

        Each span's text has the key of its entry; the place of a definition is a link too.
        """
        return [
            Link(Span(document.id, start, end, "sentence"), own)
            for start, end, own in _occurrences(document.text, self.entries)
        ]

    def save(self, path: str | Path) -> None:
        """Write the glossary as JSON Lines, an entry a line, for people and other programs."""
        lines = [json.dumps(_record(entry), ensure_ascii=False) for entry in self.entries.values()]
        try:
            Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error}).", "Choose another.") from None


def _ordered(meanings: Sequence[Meaning]) -> tuple[Meaning, ...]:
    """Return one meaning for each form and text: the first; surest form, then most told."""
    told: Counter[tuple[str, Key]] = Counter()
    first: dict[tuple[str, Key], Meaning] = {}
    for meaning in meanings:
        same = (meaning.definition.form, key(meaning.text))
        told[same] += 1
        first.setdefault(same, meaning)
    order = sorted(
        first, key=lambda same: (FORMS.index(first[same].definition.form), -told[same])
    )  # fmt: skip
    return tuple(first[same] for same in order)


def _occurrences(text: str, known: Mapping[Key, object]) -> list[tuple[int, int, Key]]:
    words = [(m.start(), m.end(), _same(m.group())) for m in _WORD.finditer(text)]
    found: list[tuple[int, int, Key]] = []
    i = 0
    while i < len(words):
        for n in range(min(_LONGEST, len(words) - i), 0, -1):
            own = tuple(word for _, _, word in words[i : i + n])
            gaps = (text[words[j][1] : words[j + 1][0]] for j in range(i, i + n - 1))
            if own in known and all(not gap.strip(" \t\r\n-‐‑–/") for gap in gaps):
                found.append((words[i][0], words[i + n - 1][1], own))
                i += n
                break
        else:
            i += 1
    return found


def _record(entry: Entry) -> dict[str, object]:
    return {
        "term": entry.term,
        "key": " ".join(entry.key),
        "meanings": [
            {
                "text": meaning.text,
                "form": meaning.definition.form,
                "document": meaning.definition.term.document_id,
                "term": [meaning.definition.term.start, meaning.definition.term.end],
                "definition": [
                    meaning.definition.definition.start, meaning.definition.definition.end,
                ],
            }
            for meaning in entry.meanings
        ],
        "long_forms": {" ".join(k): n for k, n in entry.long_forms.items()},
        "short_forms": {" ".join(k): n for k, n in entry.short_forms.items()},
        "see": [" ".join(k) for k in entry.see],
    }  # fmt: skip

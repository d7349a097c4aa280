"""WordNet's own files -> sets of synonyms with their definitions; the format is in wndb(5).

A line of data.noun, data.verb, data.adj or data.adv is

    offset file type count (word id)* pointers* [frames] | gloss

with the count of words in hexadecimal, spaces in words as "_", and in adjectives a marker of
position such as "(p)" at the end. The gloss is definitions and quoted examples parted by ";".
Lines of the licence begin with two spaces.

Tables of other languages' WordNets join by the offset of version 3.0: "00001740-n <tab> lemma
<tab> word", with a language before "lemma" in some ("fra:lemma").
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from everygrain.errors import InputError

PLACES = ("/usr/share/wordnet", "/usr/share/wordnet-3.0/dict", "/usr/local/WordNet-3.0/dict")
FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
_KINDS = {"n": "n", "v": "v", "a": "a", "s": "a", "r": "r"}
_POSITION = re.compile(r"\((?:a|p|ip)\)$")
_EXAMPLE = re.compile(r'[;,:]\s*"|^\s*"')
_JOINED = re.compile(r"(\d{8})-([nvasr])\t(?:[a-z-]+:)?lemma\t([^\t]+)")


@dataclass(frozen=True, slots=True)
class Synset:
    """Words of one meaning.

    id           "wordnet:00001740-n"
    words        at least one, with spaces
    definition   the gloss without its examples; empty where it has examples only
    """

    id: str
    words: tuple[str, ...]
    definition: str


def folder_of(given: str) -> Path:
    """Return WordNet's folder: the given one, WNSEARCHDIR, WNHOME's dict, or a usual place.

    Raises InputError, naming where it looked, if none holds data.noun.
    """
    home = os.environ.get("WNHOME")
    places = [given] if given else [
        *filter(None, [os.environ.get("WNSEARCHDIR"), f"{home}/dict" if home else None]),
        *PLACES,
    ]  # fmt: skip
    for place in map(Path, places):
        if (place / "data.noun").is_file():
            return place
    raise InputError(
        f"No WordNet (data.noun, ...) in {', '.join(map(str, places))}.",
        "Install it (Debian: apt install wordnet-base), or give its folder: "
        'synonyms(folder="...").',
    )


def synsets(folder: Path, tables: Sequence[str] = ()) -> Iterator[Synset]:
    """Yield the sets of all parts of speech that the folder has.

    tables   files of other languages' words, added to the sets with their offsets
    Raises InputError with file and line for what is not in the format.
    """
    more = _joined(tables)
    for name in FILES:
        path = folder / name
        if not path.is_file():
            continue
        for number, line in enumerate(_lines(path), 1):
            if line.startswith("  ") or not line.strip():
                continue
            try:
                found = parse(line)
            except (ValueError, IndexError):
                raise InputError(
                    f"{path}, line {number}: not a line of WordNet's data files.",
                    "Give the files as WordNet ships them; see wndb(5).",
                ) from None
            added = more.get(found.id)
            if added:
                words = tuple(dict.fromkeys((*found.words, *added)))
                found = replace(found, words=words)
            yield found


def parse(line: str) -> Synset:
    """Parse one line. Raises ValueError or IndexError for a broken one."""
    head, bar, gloss = line.partition("|")
    parts = head.split()
    offset, kind, count = parts[0], _kind(parts[2]), int(parts[3], 16)
    words = [_POSITION.sub("", word).replace("_", " ") for word in parts[4 : 4 + 2 * count : 2]]
    if not bar or not words or len(words) < count or len(offset) != 8 or not offset.isdigit():
        raise ValueError(line)
    definition = _EXAMPLE.split(gloss, maxsplit=1)[0].strip(" ;\n")
    return Synset(f"wordnet:{offset}-{kind}", tuple(dict.fromkeys(words)), definition)


def _kind(letter: str) -> str:
    if letter not in _KINDS:
        raise ValueError(letter)
    return _KINDS[letter]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}).", "Check the file.") from None


def _joined(tables: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table in tables:
        before = len(found)
        for line in _lines(Path(table)):
            match = _JOINED.match(line)
            if match:
                offset, kind, word = match.groups()
                identity = f"wordnet:{offset}-{_KINDS[kind]}"
                found.setdefault(identity, []).append(word.strip().replace("_", " "))
        if len(found) == before and not found:
            raise InputError(
                f"{table}: no line 'offset-part <tab> lemma <tab> word'.",
                "Give a table of the Open Multilingual Wordnet for WordNet 3.0.",
            )
    return found

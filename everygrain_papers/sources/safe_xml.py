"""XML from outside -> its elements, one by one: no entities, no depths, no whole documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from everygrain.errors import InputError

DEEPEST = 100  # elements within each other
_CONTROL = bytes(range(9)) + b"\x0b\x0c" + bytes(range(0x0E, 0x20))
# Servers pass on control characters that no XML may hold, raw or as references.
_REFERENCE = re.compile(
    rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)


def elements(pieces: Iterable[bytes], wanted: Callable[[str], bool]) -> Iterator[Element]:
    """Yield each wanted element as soon as it ends; nothing else is held.

    pieces   the bytes of one document, in order
    wanted   told a tag's local name; elements within a wanted one come with it

    Tags are "{namespace}name", as ElementTree writes them.
    Raises InputError, after what came before it, for what is no XML or ends early, for a
    declaration of entities (they can be made to grow without end, or to read files), and for
    elements deeper than DEEPEST.
    """
    found: list[Element] = []
    collector = _Collector(wanted, found)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.data
    parser.EntityDeclHandler = _refuse
    pieces = iter(pieces)
    piece = next(pieces, b"")
    wide = piece.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16 is full of NULs
    going = True
    while going:
        following = next(pieces, None)
        going = following is not None
        damage = None
        try:
            parser.Parse(piece if wide else _mended(piece), not going)
        except expat.ExpatError as error:
            damage = error
        yield from found
        found.clear()
        piece = following or b""
        if damage is not None:
            raise InputError(
                f"Not XML, or cut off: {expat.ErrorString(damage.code)} at line "
                f"{damage.lineno}, column {damage.offset + 1}.",
                "Fetch it again.",
            )


class _Collector:
    """Builds wanted elements, and forgets the rest."""

    def __init__(self, wanted: Callable[[str], bool], found: list[Element]) -> None:
        self.wanted, self.found = wanted, found
        self.depth = self.within = 0
        self.builder = TreeBuilder()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InputError(f"XML of more than {DEEPEST} levels.", "It is no list of papers.")
        if self.within or self.wanted(tag.rpartition("}")[2]):
            self.within += 1
            named = {_named(name): value for name, value in attributes.items()}
            self.builder.start(_named(tag), named)

    def data(self, text: str) -> None:
        if self.within:
            self.builder.data(text)

    def end(self, tag: str) -> None:
        self.depth -= 1
        if self.within:
            self.within -= 1
            self.builder.end(_named(tag))
            if not self.within:
                self.found.append(self.builder.close())
                self.builder = TreeBuilder()


def _named(tag: str) -> str:
    return "{" + tag if "}" in tag else tag


def _refuse(name: str, *_: object) -> None:
    raise InputError(f"The XML declares an entity, '{name[:40]}'.", "Only plain XML is read.")


def _mended(piece: bytes) -> bytes:
    return _REFERENCE.sub(b" ", piece.translate(None, _CONTROL))


def text_of(element: Element | None) -> str:
    """Return all the text within an element, on one line; "" for None."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def child(element: Element, *names: str) -> str:
    """Return the text of the first child, in any namespace, by the first name that has text."""
    for name in names:
        for each in element.iterfind(f"{{*}}{name}"):
            if told := text_of(each):
                return told
    return ""


def children(element: Element, name: str) -> list[str]:
    """Return the texts of the children of one name, in any namespace, without empty ones."""
    return [told for each in element.iterfind(f"{{*}}{name}") if (told := text_of(each))]

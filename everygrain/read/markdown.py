"""Markdown -> one Document: the text without its marks, front matter as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BufferedIOBase
from typing import TYPE_CHECKING

from everygrain.document import Document
from everygrain.read.base import OnReject, Origin
from everygrain.read.html import visible
from everygrain.read.lines import whole_text

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(
    r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE
)
_FIELD = re.compile(r"([A-Za-z_][\w.-]*)[ \t]*:(?:[ \t]+(.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.+)")


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read a file whole.

    The title is that of the front matter, else the first heading, else the file's name. Front
    matter of `name: value`, `name: [a, b]` and lists of `- item` becomes metadata, values as
    strings; any other is kept as it came in the metadata field `front_matter`.
    """
    from markdown_it import MarkdownIt

    source = whole_text(stream)
    metadata: dict[str, str | list[str]] = {}
    if front := _FRONT.match(source):
        fields = _front_matter(front[1])
        metadata = {"front_matter": front[1]} if fields is None else fields
        source = source[front.end() :]
    # What is nested beyond the limit is dropped; markdown-it's own, of 20, would cut real lists.
    tokens = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").parse(source)
    paragraphs = [(token, _text(token)) for token in tokens]
    text = "\n\n".join(paragraph for _, paragraph in paragraphs if paragraph)
    headings = (
        paragraphs[i + 1][1] for i, token in enumerate(tokens) if token.type == "heading_open"
    )
    title = metadata.get("title")
    if isinstance(title, str) and title:
        del metadata["title"]
    else:
        title = next((" ".join(heading.split()) for heading in headings if heading), "")
    if title or text or metadata:
        yield Document(origin.whole(text), text, title or origin.stem, metadata)


def _text(token: Token) -> str:
    if token.type == "inline":
        return _inline(token.children or []).strip()
    if token.type in ("fence", "code_block"):
        return token.content.rstrip("\n")
    if token.type == "html_block":
        return visible(token.content)[1]
    return ""


def _inline(tokens: Sequence[Token]) -> str:
    pieces = []
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            pieces.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            pieces.append("\n")
        elif token.type == "image":
            pieces.append(_inline(token.children or []))
    return "".join(pieces)


def _front_matter(front: str) -> dict[str, str | list[str]] | None:
    """Return the fields, or None if the front matter is more than names, strings and lists."""
    fields: dict[str, str | list[str]] = {}
    last = ""
    for line in front.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        field, item = _FIELD.fullmatch(line), _ITEM.fullmatch(line)
        if field and field[1] not in fields:
            last, value = field[1], (field[2] or "").strip()
            if value[:1] in ("{", "|", ">", "&", "*", "!"):
                return None
            if value.startswith("[") and value.endswith("]"):
                fields[last] = [
                    _unquoted(piece) for piece in value[1:-1].split(",") if piece.strip()
                ]
            else:
                fields[last] = _unquoted(value)
        elif item and last and not isinstance(fields[last], str):
            fields[last] = [*fields[last], _unquoted(item[1])]
        elif item and last and not fields[last]:
            fields[last] = [_unquoted(item[1])]
        else:
            return None
    return fields


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value

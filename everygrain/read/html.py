"""HTML -> one Document: the title, and the visible text of the body."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.document import Document
from everygrain.read.base import OnReject, Origin
from everygrain.read.lines import whole_text

UNSEEN = "script, style, nav, noscript, template, iframe, object, svg, head, [hidden]"
BLOCKS = (
    "address, article, aside, blockquote, caption, dd, details, div, dl, dt, fieldset, figcaption, "
    "figure, footer, form, h1, h2, h3, h4, h5, h6, header, hr, li, main, ol, option, p, pre, "
    "section, summary, table, tr, ul"
)


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read a page whole. The title is that of <title>, else of the first <h1>, else the file's."""
    title, text = visible(whole_text(stream))
    if title or text:
        yield Document(origin.whole(text), text, title or origin.stem)


def visible(page: str) -> tuple[str, str]:
    """Return the title (or "") and the text that a browser would show.

    A block is a paragraph of its own, with a blank line before the next; a <br> ends a line;
    other white space is one space.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    heading = tree.css_first("head title") or tree.css_first("h1")
    title = " ".join(heading.text().split()) if heading else ""
    body = tree.body
    if body is None:
        return title, ""
    for node in body.css(UNSEEN):
        node.decompose()
    # White space of the source means one space; only then do marks of our own mean a break.
    # The marks are characters that HTML itself forbids, so the page cannot hold them.
    for node in body.css(BLOCKS):
        node.insert_before("\ufdd0")
        node.insert_after("\ufdd0")
    for node in body.css("br"):
        node.insert_before("\ufdd1")
    for node in body.css("td, th"):
        node.insert_after(" ")
    paragraphs = (
        "\n".join(line for piece in block.split("\ufdd1") if (line := " ".join(piece.split())))
        for block in body.text(separator="").split("\ufdd0")
    )
    return title, "\n\n".join(paragraph for paragraph in paragraphs if paragraph)

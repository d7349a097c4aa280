"""Small pools for the tests of judging."""

from __future__ import annotations

from everygrain.measure.pool import Item

ATTACK = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"


def item(query: str, document: str, text: str = "", title: str = "") -> Item:
    return Item(query, f"comets of {query}", document, title, text or f"The comet of {document}.")


def items() -> list[Item]:
    """Two queries; one document of the first is an attack, one holds characters of all widths."""
    return [
        item("q1", "d1", "A comet is ice. It shines near the sun.", "On comets"),
        item("q1", "d2", ATTACK, ATTACK),
        item("q1", "d3", "\U0001f30d A Comet’s tail; COMETS return."),
        item("q2", "d1", "A comet is ice. It shines near the sun.", "On comets"),
    ]

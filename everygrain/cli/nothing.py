"""Why a search found nothing, as far as that can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everygrain.analyze.words import of_text
from everygrain.cli.terminal import listed
from everygrain.rank.query import parse

if TYPE_CHECKING:
    from everygrain.engine import Index
    from everygrain.rank.legs import View


def reason(index: Index, query: str, system: str | None, where: str | None) -> str:
    """Return a sentence or two: why there is no hit, and what might help."""
    words = of_text(query)
    if not words:
        return "The query holds no word; type what you look for."
    with index.views.newest() as view:
        if not view.snapshot.count:
            return "The index holds no documents; fill it with `everygrain add`."
        mask = view.mask(where)
        if mask is not None and not mask.any():
            return "The filter lets no document through."
        parsed = parse(query, view.analyzer)
        if parsed.is_empty:
            return (
                f"The query holds only stop words ({listed(dict.fromkeys(words))}), which are "
                "not indexed; add a word that carries meaning."
            )
        occurring = [
            term for term, _ in parsed.terms if len(view.snapshot.postings(term).documents)
        ]
        if not occurring:
            return f"No word of the query occurs in the index.{_hint(view, system)}"
        if parsed.phrases and not all(_holds(view, phrase) for phrase in parsed.phrases):
            return "The phrase in quotes occurs in no document; try it without the quotes."
        if mask is not None or parsed.phrases:
            return "No document that may be shown holds a word of the query."
    return ""


def _holds(view: View, phrase: tuple[str | None, ...]) -> bool:
    return bool((view.lexical().holds_phrase(phrase) & view.snapshot.live).any())


def _hint(view: View, system: str | None) -> str:
    if system == "lexical" and view.snapshot.has_vectors:
        return " --system hybrid also finds what is said in other words."
    return " Try other words for the same."

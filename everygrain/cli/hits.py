"""Hits on a terminal: rank, title, id, score, and the evidence with the query's words in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from everygrain.analyze import Analyzer, locate
from everygrain.cli.terminal import clean, output, print_wrapped
from everygrain.document import Hit
from everygrain.rank.fuse import ReciprocalRank
from everygrain.rank.legs import SYSTEMS, UNWEIGHED
from everygrain.rank.query import parse
from everygrain.rank.words_leg import SHARE

if TYPE_CHECKING:
    from everygrain.engine import Index

FOUND = "bold green"
LONGEST = 480  # characters of evidence that are shown


def print_hits(
    index: Index, query: str, hits: list[Hit], explain: bool = False, system: str | None = None
) -> None:
    """Print hits, best first.

    system   what ranked, as it was asked for
    """
    console = output()
    analyzer = index.store.analyzer
    terms = {term for term, _ in parse(query, analyzer).terms}
    indent = len(str(len(hits))) + 2
    for rank, hit in enumerate(hits, 1):
        if rank > 1:
            console.print(Text("─" * console.width, style="dim"))
        title = (
            highlighted(hit.title, terms, analyzer) if hit.title.strip() else Text(clean(hit.id))
        )
        title.stylize("bold")
        head = Text(f"{rank}.".ljust(indent)) + title
        print_wrapped(console, head, 0, indent)
        print_wrapped(
            console, Text(clean(f"{hit.id}  score {hit.score:.4f}"), style="dim"), indent, indent
        )
        print_wrapped(console, best_evidence(hit, terms, analyzer), indent, indent)
        if explain:
            for line in explained(hit):
                print_wrapped(console, Text(clean(line), style="dim"), indent, indent + 2)
    if explain:
        console.print(Text("─" * console.width, style="dim"))
        legs = {name for hit in hits for name in hit.legs}
        if system == "rrf":
            told = [f"score = sum over the legs of 1 / ({ReciprocalRank().constant:g} + rank)."]
        elif system in (None, *SYSTEMS):
            told = weights(index.info()["fusion"], legs)
        else:
            told = [f"Ranked by {system}."]
        for line in told:
            print_wrapped(console, Text(line), 0, 2)


def highlighted(text: str, terms: set[str], analyzer: Analyzer) -> Text:
    """Return a text, safe to print, with the words marked whose terms the query holds."""
    places = list(locate(text))
    stems = analyzer.places([word for _, _, word in places])
    marked = Text(clean(text))
    for (start, end, _), stem in zip(places, stems, strict=True):
        if stem in terms:
            marked.stylize(FOUND, start, end)
    return marked


def best_evidence(hit: Hit, terms: set[str], analyzer: Analyzer) -> Text:
    """Return the best span of a hit, or the text's beginning; if long, what is around the
    first word of the query in it."""
    text = hit.spans[0].text if hit.spans else hit.document.text[: LONGEST + 1]
    if len(text) <= LONGEST:
        return highlighted(text, terms, analyzer)
    places = list(locate(text))
    stems = analyzer.places([word for _, _, word in places])
    found = [p[0] for p, stem in zip(places, stems, strict=True) if stem in terms]
    start = max(0, found[0] - LONGEST // 4) if found else 0
    if start:  # begin and end between words
        start = next((p[0] for p in places if p[0] >= start), start)
    end = min(len(text), start + LONGEST)
    if end < len(text):
        end = max((p[1] for p in places if start < p[1] <= end), default=end)
    part = highlighted(text[start:end], terms, analyzer)
    return Text("… " if start else "") + part + Text(" …" if end < len(text) else "")


def explained(hit: Hit) -> list[str]:
    """Return lines that say what each leg and each span gave."""
    lines = []
    for name, leg in hit.legs.items():
        rank = f"rank {leg.rank}" if leg.rank else "not among its best"
        lines.append(f"{name}: {rank}, score {leg.score:.4f}")
    for evidence in hit.spans:
        span = evidence.span
        lines.append(f"{span.grain} {span.start}-{span.end}: evidence {evidence.score:.4f}")
    return lines


def weights(fusion: dict[str, Any] | None, legs: set[str]) -> list[str]:
    """Return lines that say how the legs were put together, and how that was chosen."""
    if "late" in legs:
        return [
            f"score = {SHARE:.2f} × the score of the legs before it + {1 - SHARE:.2f} × late, each "
            "mapped to 0..1 over the candidates. The legs before it:",
            *(weights(fusion, legs - {"late"}) if len(legs) > 2 else ["lexical alone."]),
        ]
    if len(legs) < 2:
        return [f"Ranked by {legs.pop()} alone."]
    share = UNWEIGHED if fusion is None else float(fusion["weight"])
    lines = [
        f"score = {1 - share:.2f} × lexical + {share:.2f} × dense, each divided by its best score "
        "for the query; a leg that finds nothing leaves the whole weight to the other."
    ]
    if fusion is None:
        return [*lines, "The weights are a default: nothing could be measured on this index."]
    kinds = ", ".join(f"{count} {kind}" for kind, count in fusion["kinds"].items())
    return [
        *lines,
        f"The weights were measured here, on {fusion['queries']} queries made from the documents "
        f"({kinds}) when there were {fusion['documents']:,}: mean gain lexical "
        f"{fusion['lexical']:.3f}, dense {fusion['dense']:.3f}, both {fusion['hybrid']:.3f}.",
    ]

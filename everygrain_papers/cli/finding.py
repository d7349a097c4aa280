"""`everygrain papers search`, `alike` and `trending`: the room in a terminal."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from everygrain.cli.plugin import output, print_json, print_wrapped, remark
from everygrain.errors import InputError
from everygrain_papers.alike import ALL
from everygrain_papers.cli.options import AsJson, Count, Room, opened
from everygrain_papers.facets import FACETS
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom

MOST_AUTHORS = 3
LONGEST_TITLE = 300  # characters that are shown
_PAST = {"term": "its past", "topic": "its past", "paper": "the mean score of new papers"}


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    k: Count = 10,
    facet: Annotated[
        str | None,
        typer.Option(metavar="FACET", help=f"Search only what is said of {', '.join(FACETS)}."),
    ] = None,
    first: Annotated[int | None, typer.Option("--from", metavar="YEAR")] = None,
    last: Annotated[int | None, typer.Option("--to", metavar="YEAR")] = None,
    venue: Annotated[list[str] | None, typer.Option(metavar="VENUE", help="Repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="SOURCE", help="Repeatable.")] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of an automatic topic.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="One of your own.")] = None,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """Search the papers."""
    with opened(room) as found:
        ids = None if topic is None and label is None else _papers_of(found, topic, label)
        results = found.search(
            query, k, facet=facet, year_from=first, year_to=last, venues=venue or (),
            sources=source or (), ids=ids,
        )  # fmt: skip
        if as_json:
            print_json(
                [
                    hit.paper.record()
                    | {
                        "score": round(hit.score, 4),
                        "evidence": [
                            {"start": a, "end": b, "text": hit.paper.abstract[a:b]}
                            for a, b in hit.evidence
                        ],
                        "versions": list(hit.versions),
                    }
                    for hit in results.hits
                ]
            )
            return
        for number, hit in enumerate(results.hits, 1):
            _print_paper(number, hit.paper)
            for start, end in hit.evidence[:2]:
                print_wrapped(output(), hit.paper.abstract[start:end], 5, 5)
        if not results.hits:
            remark("Nothing was found.")
        if found.papers.is_waiting():
            remark("Some papers wait to be indexed: everygrain papers update goes on.")


def alike(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="A paper's id, or a text.")],
    facet: Annotated[
        str, typer.Option(metavar="FACET", help=f"In what: {', '.join((*FACETS, ALL))}.")
    ] = ALL,
    k: Count = 10,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """Show papers that are alike in problem, method, result, or in all."""
    with opened(room) as found:
        near = found.alike(paper, facet, k)
        if as_json:
            print_json(
                [
                    {"id": each.paper.id, "title": each.paper.title, "score": round(each.score, 4),
                     "mine": each.mine, "theirs": each.theirs}
                    for each in near
                ]
            )  # fmt: skip
            return
        for number, each in enumerate(near, 1):
            _print_paper(number, each.paper)
            print_wrapped(output(), f"here: {each.mine}", 5, 7)
            print_wrapped(output(), f"there: {each.theirs}", 5, 7)
        if not near:
            remark("Nothing is alike: the text says nothing of this, or the room is empty.")


def trending(k: Count = 10, room: Room = None, as_json: AsJson = False) -> None:
    """Show what rises against its own past: terms, topics and papers, with 95 % intervals."""
    from everygrain_papers.outlook import outlook_of

    with opened(room) as found:
        outlook = outlook_of(found)
        lists = {"terms": outlook.terms, "topics": outlook.topics, "papers": outlook.papers}
        if as_json:
            told: dict[str, Any] = {name: [_trend(t) for t in ts[:k]] for name, ts in lists.items()}
            print_json(told | {"notes": list(outlook.notes)})
            return
        console = output()
        for name, trends in lists.items():
            console.print(f"Rising {name}", style="bold")
            for trend in trends[:k]:
                print_wrapped(
                    console,
                    f"{trend.name}: {trend.ratio:.1f} times {_PAST[trend.kind]} "
                    f"({trend.low:.1f} to {trend.high:.1f}); {trend.made_of}",
                    2, 6,
                )  # fmt: skip
            if not trends:
                console.print("  None: nothing rises more than chance would have it.")
        for note in outlook.notes:
            remark(note)


def _papers_of(room: ReadingRoom, topic: str | None, label: str | None) -> set[str]:
    """Return the ids of the papers of a topic that have a label. Raises InputError for a topic or
    label that is none."""
    from everygrain_papers.outlook import outlook_of

    outlook = outlook_of(room)
    numbers = {name: number for number, name in outlook.names.items()}
    if topic is not None and topic not in numbers:
        raise InputError(
            f"There is no topic '{topic}'.", f"One of {', '.join(map(repr, list(numbers)[:20]))}."
        )
    if label is not None and label not in outlook.labels:
        raise InputError(f"There is no label '{label}'.", "List them: everygrain papers labels.")
    of_topic = {i for i, number in outlook.topic_of.items() if number == numbers.get(topic or "")}
    with_label = {i for i, names in outlook.tags.items() if label in names}
    if topic is None or label is None:
        return with_label if topic is None else of_topic
    return of_topic & with_label


def _trend(trend: Any) -> dict[str, Any]:
    names = ("kind", "name", "recent", "expected", "ratio", "low", "high", "papers", "made_of")
    return {name: getattr(trend, name) for name in names}


def _print_paper(number: int, paper: Paper) -> None:
    console = output()
    print_wrapped(console, f"{number:2}. {paper.title[:LONGEST_TITLE]}", 0, 4)
    names = ", ".join(paper.authors[:MOST_AUTHORS])
    names += " and others" if len(paper.authors) > MOST_AUTHORS else ""
    told = "; ".join(filter(None, (names, paper.venue, str(paper.year or ""), paper.id)))
    print_wrapped(console, told, 4, 4)

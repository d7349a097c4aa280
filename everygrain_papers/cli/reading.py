"""`everygrain papers like`, `dislike` and `interests`: what a reader follows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.plugin import counted, output, print_json, print_wrapped, remark
from everygrain_papers.cli.options import AsJson, Room, User, opened
from everygrain_papers.cli.readers import interest_of, people_of, reader_of

Papers = Annotated[list[str], typer.Argument(metavar="PAPER...", help="Ids of papers.")]
InInterest = Annotated[
    str | None, typer.Option("--interest", metavar="NAME", help="In which, if there are several.")
]


def like(
    papers: Papers,
    interest: InInterest = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    user: User = None,
    room: Room = None,
) -> None:
    """Like papers: the digest and the home page bring more of their kind."""
    _mark(papers, interest, "none" if undo else "like", user, room)


def dislike(
    papers: Papers,
    interest: InInterest = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    user: User = None,
    room: Room = None,
) -> None:
    """Dislike papers: fewer of their kind come."""
    _mark(papers, interest, "none" if undo else "dislike", user, room)


def _mark(
    papers: list[str], interest: str | None, mark: str, user: str | None, room: Path | None
) -> None:
    with opened(room) as found, people_of(found) as people:
        reader = reader_of(people, user)
        chosen = interest_of(people, reader, interest)
        for paper in papers:
            found.papers.get(paper)  # an unknown id is refused before anything is marked
        for paper in papers:
            people.mark(reader.id, paper, chosen.id, mark)
        remark(f"{counted(len(papers), 'paper')} in '{chosen.name}'.")


def interests(
    add: Annotated[str | None, typer.Option(metavar="NAME", help="Make one.")] = None,
    change: Annotated[
        str | None, typer.Option(metavar="NAME", help="Add to one what the options below say.")
    ] = None,
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Delete one.")] = None,
    keyword: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="Speaks for a paper; repeatable.")
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="Speaks against one; repeatable.")
    ] = None,
    seed: Annotated[
        list[str] | None, typer.Option(metavar="PAPER", help="A paper to begin with; repeatable.")
    ] = None,
    user: User = None,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """List what you follow, or change it."""
    with opened(room) as found, people_of(found) as people:
        reader = reader_of(people, user)
        for paper in seed or ():
            found.papers.get(paper)
        words, against, seeds = tuple(keyword or ()), tuple(negative or ()), tuple(seed or ())
        if add is not None:
            people.add_interest(reader.id, add, keywords=words, negative=against, seeds=seeds)
        elif change is not None:
            old = interest_of(people, reader, change)
            people.change_interest(
                reader.id,
                old.id,
                keywords=_with(old.keywords, words),
                negative=_with(old.negative, against),
                seeds=_with(old.seeds, seeds),
            )
        elif remove is not None:
            people.delete_interest(reader.id, interest_of(people, reader, remove).id)
        every = people.interests(reader.id)
        if as_json:
            names = ("id", "name", "seeds", "liked", "disliked", "keywords", "negative")
            print_json([{n: getattr(each, n) for n in names} for each in every])
            return
        for each in every:
            output().print(each.name, style="bold", markup=False, highlight=False)
            told = [
                f"{counted(len(getattr(each, name)), *form)}"
                for name, form in (
                    ("liked", ("paper liked", "papers liked")),
                    ("disliked", ("disliked", "disliked")),
                    ("seeds", ("seed",)),
                )
                if getattr(each, name)
            ]
            told += [f"for: {', '.join(each.keywords)}"] if each.keywords else []
            told += [f"against: {', '.join(each.negative)}"] if each.negative else []
            print_wrapped(output(), "; ".join(told) or "nothing to go by yet", 2, 2)
        if not every:
            remark("No interests yet: everygrain papers interests --add NAME --keyword WORDS.")


def _with(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))

"""`everygrain papers ingest`, `update` and `sources`: papers come in."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from everygrain.cli.plugin import output, print_json, progress, remark
from everygrain.errors import EverygrainError, InputError, LockedError
from everygrain_papers.cli.options import AsJson, Room, opened
from everygrain_papers.outlook import outlook_of
from everygrain_papers.results import Report
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import Progress
from everygrain_papers.sources.named import KINDS, Named, named

LOWER = 10  # steps of priority below other processes
PAGES_MAKE_IT = 2_000  # papers up to which pages make the outlook themselves
_KEPT = "sources"  # the name under which a room remembers them


def ingest(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Files (.jsonl, .json, .bib, .ris, .xml, also .gz), folders of them or of PDFs, "
            "addresses of feeds, arxiv:cs.IR, oai:ADDRESS; or cards, the bundled ones, to try.",
        ),
    ],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help=f"What it is, if not told: {', '.join(KINDS)}.")
    ] = "",
    set: Annotated[str, typer.Option(metavar="SET", help="A set of an OAI-PMH repository.")] = "",
    since: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="The first day of a first harvest.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="Do not remember it for `update`.")] = False,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """Read papers into the room, and make them searchable.

    It can be interrupted, and goes on where it stopped; what was read before is not read again."""
    wanted = [Named(each, kind, set, since) for each in source]
    for each in wanted:
        each.source()  # a name that makes no sense is refused before anything is made
    with opened(room, create=True) as found:
        if not once:
            known = found.papers.get_value(_KEPT) or []
            added = [each.record() for each in wanted if each.record() not in known]
            found.papers.set_value(_KEPT, [*known, *added])
        _read(found, wanted, as_json)


def update(room: Room = None, as_json: AsJson = False) -> None:
    """Read what is new in all sources of the room."""
    with opened(room) as found:
        wanted = [named(each) for each in found.papers.get_value(_KEPT) or []]
        if not wanted:
            raise InputError(
                "The room remembers no source.", "Give it one: everygrain papers ingest SOURCE."
            )
        _read(found, wanted, as_json)


def sources(
    remove: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Forget one; its papers stay.")
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Read one from its beginning at the next update."),
    ] = None,
    rejects: Annotated[
        bool, typer.Option("--rejects", help="List what could not be read, and why.")
    ] = False,
    room: Room = None,
) -> None:
    """List the sources that `update` reads."""
    with opened(room) as found:
        kept = found.papers.get_value(_KEPT) or []
        for wanted in filter(None, (remove, again)):
            if all(named(each).what != wanted for each in kept):
                raise InputError(f"The room has no source '{wanted}'.", "List them to see which.")
            _forget(found, [named(each) for each in kept if named(each).what == wanted])
        if remove is not None:
            kept = [each for each in kept if named(each).what != remove]
            found.papers.set_value(_KEPT, kept)
        console = output()
        for each in map(named, kept):
            extra = "".join(f" --{k} {v}" for k, v in each.record().items() if k != "what")
            console.print(f"{each.what}{extra}", markup=False, highlight=False)
        if not kept:
            remark("The room remembers no source.")
        if rejects:
            for at, told in found.papers.rejects():
                console.print(
                    f"{at:%Y-%m-%d %H:%M} {told.place}: {told.reason}", markup=False,
                    highlight=False,
                )  # fmt: skip


def _forget(room: ReadingRoom, wanted: list[Named]) -> None:
    """Forget how far sources were read."""
    for each in wanted:
        try:
            name = each.source().name
        except InputError:
            continue  # its file is gone: nothing can be read on
        Progress(room.folder / "progress.json").forget(name)


def give_way() -> None:
    """Let other processes go first: readers should not notice that papers come."""
    if hasattr(os, "nice"):
        os.nice(LOWER)


def _read(room: ReadingRoom, wanted: list[Named], as_json: bool) -> None:
    """Read sources one after the other; one that fails does not keep the others from theirs."""
    give_way()
    told, failed = [], []
    for each in wanted:
        try:
            with progress(f"Reading {each.what}"[:50]) as advance:
                report = room.ingest(each.source(), on_progress=advance)
        except EverygrainError as error:
            if len(room) == 0 or isinstance(error, LockedError):
                _unremember(room, each)
            if len(wanted) == 1:
                raise
            failed.append(each.what)
            remark(f"{each.what}: {error}")
            continue
        told.append({"source": each.what} | vars(report))
        if not as_json:
            remark(f"{each.what}: {report}.{_rejected(report)}")
    if told and len(room) > PAGES_MAKE_IT:
        outlook_of(room, on_step=lambda step: None if as_json else remark(f"{step} ..."))
    if as_json:
        print_json({"sources": told, "failed": failed, "papers": len(room)})
    else:
        remark(f"The room holds {len(room):,} papers.")
    if failed:
        raise typer.Exit(1)


def _unremember(room: ReadingRoom, source: Named) -> None:
    """Drop a source that gave nothing: a name that was mistyped is not tried for ever."""
    kept = room.papers.get_value(_KEPT) or []
    room.papers.set_value(_KEPT, [each for each in kept if each != source.record()])


def _rejected(report: Report) -> str:
    return " See them with `everygrain papers sources --rejects`." if report.rejected else ""

"""`everygrain papers digest`: what is new and near to what you follow, by mail or file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.plugin import counted, remark
from everygrain.errors import InputError
from everygrain_papers.cli.options import Room, User, opened
from everygrain_papers.cli.readers import people_of, reader_of


def digest(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it; keep and send nothing. The default.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write it as .html, .txt, .eml or .atom; it counts as sent."
        ),
    ] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send all mails that are due, for every reader.")
    ] = False,
    subscribe: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Send digests there; the address is not asked again."),
    ] = None,
    outbox: Annotated[
        bool, typer.Option("--outbox", help="List the mails that wait, failed or are uncertain.")
    ] = False,
    resolve: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Say what became of an uncertain mail: see --as."),
    ] = None,
    as_: Annotated[
        str, typer.Option("--as", metavar="sent|again", help="It came, or is to be sent again.")
    ] = "sent",
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of the mail server: TOML or INI with a table [mail]."),
    ] = None,
    user: User = None,
    room: Room = None,
) -> None:
    """Show the digest of a reader: new papers by interest, each with its reason.

    `--send` is for cron: it may run every minute, and after any crash; nothing goes out twice."""
    from everygrain_papers import digest as mail

    wanted = [name for name, asked in (
        ("--dry-run", dry_run), ("--file", file), ("--send", send), ("--subscribe", subscribe),
        ("--outbox", outbox), ("--resolve", resolve is not None),
    ) if asked]  # fmt: skip
    if len(wanted) > 1:
        raise InputError(f"{' and '.join(wanted)} were asked for.", "Ask for one of them.")
    now = datetime.now(UTC)
    told = mail.read_settings(settings)
    with opened(room) as found, people_of(found) as people:
        if send:
            outcome = mail.send_due(found, people, told, now)
            for each in outcome:
                remark(f"{people.user(each.user).name}: {each.kind} {each.state}. {each.note}")
            if not outcome:
                remark("Nothing is due.")
            if any(each.state in ("failed", "refused", "uncertain") for each in outcome):
                raise typer.Exit(1)
            return
        if outbox:
            for issue in mail.issues(people, None, "composed", "sending", "uncertain", "refused"):
                remark(f"{issue.id}: {issue.kind} {issue.slot} {issue.state}. {issue.note}")
            return
        if resolve is not None:
            if as_ not in ("sent", "again"):
                raise InputError(f"'{as_}' is nothing a mail can be.", "Say --as sent or again.")
            mail.resolve(people, resolve, "sent" if as_ == "sent" else "again", now)
            remark(f"Mail {resolve} counts as {as_}.")
            return
        reader = reader_of(people, user)
        if subscribe is not None:
            mail.enrol(people, reader.id, subscribe, now)
            schedule = mail.subscription(people, reader.id).schedule
            remark(f"Digests go to {subscribe}, {schedule}, whenever `digest --send` is run.")
            return
        composed = mail.compose(found, people, reader, now)
        if file is not None:
            mail.write_file(people, composed, file, told, now)
            remark(f"{counted(len(composed), 'paper')} in {file}.")
            return
        state = mail.subscription(people, reader.id)
        typer.echo(mail.dry_run(composed, str(state.schedule), state.address))

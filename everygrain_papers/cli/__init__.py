"""The command `everygrain papers`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from everygrain_papers.cli.demo import demo
from everygrain_papers.cli.digest import digest
from everygrain_papers.cli.filling import ingest, sources, update
from everygrain_papers.cli.finding import alike, search, trending
from everygrain_papers.cli.functions import functions
from everygrain_papers.cli.labels import labels
from everygrain_papers.cli.merges import merges
from everygrain_papers.cli.reading import dislike, interests, like
from everygrain_papers.cli.serve import serve
from everygrain_papers.cli.users import users

__all__ = ["papers"]

papers = typer.Typer(
    help="The reading room: research papers on your own machine. Begin with "
    "`everygrain papers demo`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


@papers.callback()
def settle(
    offline: Annotated[
        bool, typer.Option("--offline", help="Send nothing to other machines; fail instead.")
    ] = False,
) -> None:
    if offline:
        os.environ["EVERYGRAIN_OFFLINE"] = "1"


for command in (
    demo, ingest, update, sources, serve, search, alike, trending, like, dislike, interests,
    digest, labels, merges, functions, users,
):  # fmt: skip
    papers.command()(command)

"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Grain(StrEnum):
    """What a hit is."""

    document = "document"
    passage = "passage"
    sentence = "sentence"


def _folder(name: str) -> Path:
    # Path("") is the current folder, which an unset variable of a shell must not mean
    if not name:
        raise typer.BadParameter("the name is empty; name a folder.")
    return Path(name)


def text(value: str | None) -> str | None:
    """Refuse an argument that is not UTF-8, which nothing in an index could match."""
    if value is not None:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise typer.BadParameter("it is not UTF-8; check the terminal's encoding.") from None
    return value


System = Annotated[
    str | None,
    typer.Option(
        metavar="SYSTEM",
        callback=text,
        help="What ranks: lexical, dense, hybrid, rrf, late or xtr (by words), or a composition "
        "such as 'fuse(lexical, dense) % 100 >> late'; hybrid where the index has vectors.",
    ),
]
Instruction = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        callback=text,
        help="Put before the query for its vector alone, as some transformers want it: "
        "'Represent this sentence for searching relevant passages:'.",
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        callback=text,
        help="What is going on as the query is asked: its vector joins the query's.",
    ),
]
IndexFolder = Annotated[
    Path, typer.Argument(metavar="INDEX", parser=_folder, help="The index's folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR",
        callback=text,
        help="A filter on metadata, such as 'year >= 2020 and venue = \"ACL\"'.",
    ),
]
ENCODERS = "latent, static, minilm, transformer:NAME, endpoint:MODEL@URL or none"
WORDS = "words, words:DIMENSIONS, words:DIMENSIONS:KEPT (each with @FOLDER at will) or none"

"""`everygrain doctor`, `compact` and `reencode`: an index kept in order."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from everygrain.cli.options import ENCODERS, WORDS, AsJson, IndexFolder


def doctor(
    index: IndexFolder,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild what is damaged from the stored texts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every invariant of an index. Exit code 1 if anything is (still) wrong."""
    from everygrain.cli.terminal import output, print_json, print_wrapped
    from everygrain.engine import Index

    with Index.open(index) as opened:
        findings = opened.doctor(fix=repair)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        console = output()
        for finding in findings:
            print_wrapped(console, f"- {finding.problem}")
            print_wrapped(console, finding.remedy.replace("INDEX", str(index)), 2)
        if not findings:
            console.print("All is well.")
    if findings:
        raise typer.Exit(1)


def compact(index: IndexFolder) -> None:
    """Merge all segments of an index into one."""
    from everygrain.cli.terminal import clean, counted, output
    from everygrain.engine import Index

    with Index.open(index) as opened:
        before = opened.info()
        opened.compact()
        after = opened.info()
    sizes = [sum(told["bytes"].values()) / 2**20 for told in (before, after)]
    output().print(
        clean(
            f"{index}: {counted(len(before['segments']), 'segment')} became "
            f"{len(after['segments'])}, {sizes[0]:,.1f} MiB became {sizes[1]:,.1f} MiB."
        )
    )


def reencode(
    index: IndexFolder,
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"The new one: {ENCODERS}.")
    ] = None,
    words: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"The new word encoder: {WORDS}.")
    ] = None,
    background: Annotated[
        bool,
        typer.Option(
            "--background",
            help="Let others change the index meanwhile; stopped, the same command goes on.",
        ),
    ] = False,
) -> None:
    """Give an index another encoder, or another word encoder.

    The new vectors are built beside the old ones, then swapped in at once."""
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import clean, output
    from everygrain.engine import Index

    if encoder is None and words is None:
        raise typer.BadParameter(
            "name the new encoder, or the new word encoder.", param_hint="--encoder, --words"
        )
    if background and words is not None:
        raise typer.BadParameter(
            "word vectors cannot be made in the background.", param_hint="--background"
        )
    with Index.open(index) as opened:
        total = sum(segment["documents"] for segment in opened.info()["segments"])
        if encoder is not None:
            with progress("Encoding", total) as advance:
                opened.reencode(encoder, on_progress=advance, background=background)
        if words is not None:
            with progress("Encoding words", total) as advance:
                opened.reword(words, on_progress=advance)
        told = opened.info()
    for key, asked, what in (("encoder", encoder, "encoder"), ("words", words, "word encoder")):
        if asked is not None:
            name, fingerprint = told[key]["name"], told[key]["fingerprint"]
            named = name if fingerprint is None else f"{name} ({fingerprint})"
            output().print(clean(f"{index} now has the {what} {named}."))

"""`everygrain add`: sources into an index."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import ENCODERS, WORDS, AsJson, IndexFolder
from everygrain.cli.terminal import is_watched
from everygrain.cli.written import refuse_overwriting

if TYPE_CHECKING:
    from everygrain.cli.sources import Sources
    from everygrain.engine import Index
    from everygrain.index.report import Report


def add(
    index: IndexFolder,
    source: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Files, folders, or - for stdin.")
    ],
    format: Annotated[
        str | None, typer.Option(help="One format for all sources, such as jsonl, csv or pdf.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"For a new index: {ENCODERS}.")
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"For a new index: word vectors, which --system late and xtr need: {WORDS}.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="ISO 639-1 code; told from the documents by default."),
    ] = None,
    keep_stop_words: Annotated[
        bool, typer.Option("--keep-stop-words", help="Index words such as 'the', too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep what cannot be read, as JSON lines."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add documents to an index, or update those that have changed.

    The index is made if there is none. A document whose content is already there is skipped, so
    the same command may be run again after every change, or after an interruption. A file that is
    one document has its path below SOURCE as id; where another file has that one, the folder's
    name comes before it.
    """
    from everygrain.cli.file_ids import FileIds
    from everygrain.cli.first_add import taken_back
    from everygrain.cli.report import print_report, report_json
    from everygrain.cli.sources import Sources
    from everygrain.cli.terminal import print_json
    from everygrain.encode import registry
    from everygrain.index.word_encoders import check_words

    _check_language(language)
    if encoder is not None:
        registry.check(encoder)
    if words is not None:
        check_words(words)
    if rejects is not None:
        refuse_overwriting(rejects, "--rejects", [Path(name) for name in source])
    begun = perf_counter()
    with nullcontext() if rejects is None else open(rejects, "w", encoding="ascii") as kept:
        files = FileIds.of(source, index)
        sources = Sources(source, format, kept, files)
        if is_new(index) and not sources.any():
            sources.refuse()
        with TemporaryDirectory() as elsewhere:
            # what an index would do that does not exist yet, one somewhere else can tell
            elsewhere_only = dry_run and is_new(index)
            folder = Path(elsewhere) if elsewhere_only else index
            chosen = ("none", None) if elsewhere_only else (encoder, words)
            with (
                taken_back(folder),
                _opened(folder, *chosen, language, keep_stop_words) as opened,
            ):
                if not dry_run:
                    files.keep(opened.store)  # before a document has the id
                report = _added(opened, sources, dry_run)
                report.notes += files.notes() + _unstemmed(language)
                holds = len(opened)
    if as_json:
        print_json(report_json(report, sources, dry_run))
    else:
        took = perf_counter() - begun
        print_report(report, sources, str(index), holds, dry_run=dry_run, took=took)
    if not sources.count:
        raise typer.Exit(1)


def _added(index: Index, sources: Sources, dry_run: bool) -> Report:
    from everygrain.cli.estimate import estimate
    from everygrain.cli.progress import progress

    total = estimate(sources.names) if is_watched() else None
    with progress("Comparing" if dry_run else "Indexing", total) as advance:
        report = index.add(sources.documents(), dry_run=dry_run, on_progress=advance)
    sources.note(report)
    return report


def is_new(folder: Path) -> bool:
    """Tell whether there is no index yet. Raises StorageError for a file."""
    from everygrain.errors import StorageError

    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder} is a file.", "Name a folder for the index.")
    return not (folder / "catalogue.db").exists()


def _opened(
    folder: Path, encoder: str | None, words: str | None, language: str | None, keep: bool
) -> Index:
    from everygrain.engine import Index
    from everygrain.errors import InputError

    new = is_new(folder)
    index = Index(folder, encoder, words=words, language=language, stop_words=not keep)
    analyzer = index.store.analyzer
    if not new and language not in (None, analyzer.language):
        raise InputError(
            f"The index in {folder} is for the language '{analyzer.language}', not '{language}'.",
            "Leave --language out, or name a new folder to index everything anew.",
        )
    if not new and keep and analyzer.stop_words:
        raise InputError(
            f"The index in {folder} was built without stop words.",
            "Leave --keep-stop-words out, or name a new folder to index everything anew.",
        )
    return index


def _check_language(language: str | None) -> None:
    from everygrain.analyze.language import check
    from everygrain.errors import InputError

    if language is not None:
        try:
            check(language)
        except InputError as error:
            raise typer.BadParameter(str(error), param_hint="--language") from None


def _unstemmed(language: str | None) -> list[str]:
    """Return a note for a language whose words are indexed as they are."""
    from everygrain.analyze.language import STEMMED

    if language is None or language in STEMMED:
        return []
    return [
        f"There are no stems for the language '{language}': words are found as they are written."
    ]

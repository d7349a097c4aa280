"""`everygrain info`: what there is to know about an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from everygrain.cli.options import AsJson, IndexFolder

if TYPE_CHECKING:
    from rich.table import Table


def info(index: IndexFolder, as_json: AsJson = False) -> None:
    """Show what an index holds and how it is set up."""
    from everygrain.cli.terminal import output, print_json
    from everygrain.engine import Index

    with Index.open(index) as opened:
        told = opened.info()
    if as_json:
        print_json(told)
    else:
        output().print(_table(told))


def _table(told: dict[str, Any]) -> Table:
    from rich.table import Table

    from everygrain.cli.hits import weights
    from everygrain.cli.terminal import clean, listed

    analyzer, encoder, segments = told["analyzer"], told["encoder"], told["segments"]
    deleted = sum(segment["deleted"] for segment in segments)
    rows = {
        "folder": told["folder"],
        "documents": f"{told['documents']:,}, of {told['terms_per_document']} terms on average",
        "segments": f"{len(segments):,}, with {deleted:,} deleted documents still in them",
        "size": f"{_size(sum(told['bytes'].values()))}, of which "
        f"{_size(told['bytes']['catalogue'])} are the stored texts",
        "legs": ", ".join(f"{name} {_size(size)}" for name, size in told["legs"].items() if size)
        or "none",
        "language": f"{analyzer['language']}, stems by {analyzer['stemmer']}, stop words "
        f"{'left out' if analyzer['stop_words'] else 'kept'}",
        "bm25": ", ".join(f"{name} {value}" for name, value in told["bm25"].items()),
        "encoder": encoder["name"]
        if encoder["fingerprint"] is None
        else f"{encoder['name']} ({encoder['fingerprint']}), "
        + (f"{encoder['dimensions']} dimensions, " if encoder["dimensions"] else "")
        + f"{encoder['passages']:,} passages of at most {encoder['passage_words']} words",
    }
    words = told["words"]
    if words["name"] != "none":
        rows["words"] = (
            f"{words['name']} ({words['fingerprint']}), {words['words']:,} words of "
            f"{words['dimensions']} dimensions"
            if words["fingerprint"]
            else f"{words['name']}, made with the first documents"
        )
    if told["reencoding"] is not None:
        rows["under way"] = (
            f"a re-encode to {told['reencoding']['spec']} ({told['reencoding']['encoder']}); "
            "`everygrain reencode --background` goes on with it"
        )
    if encoder["fingerprint"] is not None:
        rows["hybrid"] = " ".join(weights(told["fusion"], {"lexical", "dense"}))
    if told.get("approximate"):
        rows["dense leg"] = ", ".join(f"{k} {v}" for k, v in told["approximate"].items())
    fields = [f"{name} ({count:,})" for name, count in told["fields"].items()]
    rows["fields"] = listed(fields, 20) or "none"
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, clean(value))
    return table


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"

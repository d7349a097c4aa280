"""What an addition or a deletion did, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from everygrain.cli.sources import Sources, place
from everygrain.cli.terminal import clean, counted, listed, output, print_command, print_wrapped

if TYPE_CHECKING:
    from everygrain.index.report import Report

SHOWN = 5


def report_json(report: Report, sources: Sources, dry_run: bool) -> dict[str, Any]:
    """Return the counts, the first rejects and all repeated ids, as JSON values."""
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "deleted": report.deleted,
        "rejected": sources.rejected,
        "rejects": [
            {
                "file": reject.source,
                "line": reject.line_or_record,
                "reason": reject.reason,
                "raw": reject.raw[:1000],
            }
            for reject in sources.first
        ],
        "repeated": report.repeated,
        "notes": report.notes,
        "dry_run": dry_run,
    }


def print_report(
    report: Report, sources: Sources, index: str, holds: int, *, dry_run: bool, took: float
) -> None:
    """Print the counts, why the first rejects were rejected, and what to do next."""
    console = output()
    counts = (
        f"added {report.added:,}, updated {report.updated:,}, unchanged {report.unchanged:,}, "
        f"deleted {report.deleted:,}, rejected {sources.rejected:,}"
    )
    if dry_run:
        console.print(f"Dry run, nothing was changed. It would say: {counts}.")
    else:
        console.print(f"{counts[0].upper()}{counts[1:]} in {took:,.1f} s.")
        console.print(clean(f"{index} holds {counted(holds, 'document')}."))
    for reject in sources.first[:SHOWN]:
        print_wrapped(console, f"- {place(reject)}{reject.reason}")
    if sources.rejected > SHOWN:
        more = sources.rejected - SHOWN
        console.print(f"- and {more:,} more; keep them all with --rejects FILE.")
    if report.repeated:
        ids = list(dict.fromkeys(report.repeated))
        what = "id came" if len(ids) == 1 else "ids came"
        console.print(
            clean(f"{len(ids):,} {what} more than once; the last one won: {listed(ids)}.")
        )
    for note in report.notes:
        console.print(clean(note))
    if report.added and not dry_run:
        print_command(console, "Next:", ["everygrain", "search", index, "what you look for"])

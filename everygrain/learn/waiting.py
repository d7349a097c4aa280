"""A trained candidate that waits for its tests and its swap, so that no interrupt costs a training.

Beside it waits the report, from the decision on: an encoder that serves while its report still
waits was swapped in by a call that was cut off before its end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.errors import EverygrainError
from everygrain.index.content import content_hash
from everygrain.index.files import storage_errors
from everygrain.learn.by_domain import Grouping
from everygrain.learn.candidate import Candidate
from everygrain.learn.gate import Decision, Verdict
from everygrain.learn.pairs import Collected
from everygrain.learn.recipe import Recipe
from everygrain.learn.report import Report
from everygrain.learn.train.checkpoint import replaced

_FOLDER, _TOLD, _ENCODER = "trained", "trained.json", "encoder"
_PAGES = ("report.html", "report.json")


@dataclass(frozen=True, eq=False)
class Waiting:
    """A candidate on disk.

    key       names what it was trained with, see `training_name`
    old       fingerprint of the encoder that it was trained to replace
    seconds   that the training took
    """

    key: str
    old: str | None
    candidate: Candidate
    seconds: float


def training_name(kind: str, recipe: Recipe, documents: Sequence[Document], budget: float) -> str:
    """Name a training by all that it was asked: the same name, the same candidate."""
    digest = hashlib.blake2b(f"{kind}\0{recipe!r}\0{budget}".encode(), digest_size=8)
    for document in documents:
        digest.update(document.id.encode() + content_hash(document))
    return digest.hexdigest()


def keep(folder: Path, waiting: Waiting) -> None:
    """Write a candidate into a folder, in place of one that waits there.

    Raises StorageError if the disk refuses.
    """
    made = waiting.candidate
    told = {
        "key": waiting.key, "old": waiting.old, "new": made.encoder.fingerprint,
        "seconds": waiting.seconds, "pairs": made.pairs.counts, "taught": made.taught,
        "curve": made.curve, "domains": dict(made.domains.sizes), "outside": made.domains.outside,
    }  # fmt: skip
    with replaced(folder / _FOLDER) as written:
        (written / _ENCODER).mkdir()
        made.encoder.save(written / _ENCODER)
        (written / _TOLD).write_text(json.dumps(told), encoding="utf-8")


def waiting_in(folder: Path) -> Waiting | None:
    """Return the candidate that waits in a folder; None without one, or where it is damaged."""
    try:
        told = json.loads((folder / _FOLDER / _TOLD).read_text(encoding="utf-8"))
        encoder = registry.load(folder / _FOLDER / _ENCODER)
        if encoder.fingerprint != told["new"]:
            return None
        curve = [(str(kind), float(loss)) for kind, loss in told["curve"]]
        domains = Grouping(dict(told["domains"]), int(told["outside"]))
        pairs = Collected((), dict(told["pairs"]))
        made = Candidate(encoder, pairs, int(told["taught"]), curve, domains)
        return Waiting(told["key"], told["old"], made, float(told["seconds"]))
    except (EverygrainError, OSError, ValueError, KeyError, TypeError):
        return None


def write_report(folder: Path, report: Report) -> None:
    """Let a report wait beside its candidate. Raises StorageError if the disk refuses."""
    with storage_errors(folder):
        (folder / _FOLDER).mkdir(exist_ok=True)
    report.write(folder / _FOLDER)


def decided(folder: Path) -> Decision | None:
    """Return the decision of the report that waits in a folder; None without one."""
    try:
        told = json.loads((folder / _FOLDER / "report.json").read_text(encoding="utf-8"))
        verdicts = tuple(Verdict(**each) for each in told["tests"])
        return Decision(bool(told["promoted"]), str(told["reason"]), verdicts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def publish(folder: Path) -> None:
    """Put the report that waits into its place, and end the waiting."""
    with storage_errors(folder):
        for name in _PAGES:
            os.replace(folder / _FOLDER / name, folder / name)
    shutil.rmtree(folder / _FOLDER, ignore_errors=True)

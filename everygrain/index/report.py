"""What an addition did, told as it goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from everygrain.index.changes import Change


@dataclass
class Report:
    """What an addition did, in numbers, with the ids that a user should hear of."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    repeated: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, change: Change, seen: set[str]) -> None:
        """Count a batch. An id of an earlier one, in `seen`, is told as repeated too."""
        for ids in (change.added, change.updated, change.unchanged):
            self.repeated += [identity for identity in ids if identity in seen]
        self.added += sum(identity not in seen for identity in change.added)
        self.updated += sum(identity not in seen for identity in change.updated)
        self.unchanged += sum(identity not in seen for identity in change.unchanged)
        self.repeated += change.repeated
        self.rejected += change.rejected
        seen.update(change.added, change.updated, change.unchanged)

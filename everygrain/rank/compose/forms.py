"""The names that a composition may use, and the settings that each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Form:
    """A stage, or what stands around a system.

    does       what it does, in a few words
    settings   name -> the kind of its value: float, str or bool
    """

    does: str
    settings: Mapping[str, type] = field(default_factory=dict)


STAGES: Mapping[str, Form] = {
    "late": Form("whole-word late interaction", {"share": float, "exact": bool}),
}
AROUND: Mapping[str, Form] = {}

"""The registry of published systems: which component implements each, and what shows it.

The rows are data, in systems.toml beside this file. tests/test_systems.py checks that every row
that claims to work tells the truth.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from everygrain.errors import InputError

STATUSES = ("planned", "works")
NEEDS = ("cpu-exact", "cpu-small", "endpoint", "needs-gpu-or-weights", "data-only", "n-a")

ID = re.compile(r"[ST]\d\d")
COMPONENT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?: \+ [A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)*")


@dataclass(frozen=True)
class System:
    """One published system.

    id         "S01" to "S76" for the core, "T01" to "T50" for what is taken in beside it
    title      the paper's title
    component  import path of the module or class; two are joined by " + "
    detail     which part of the component it is, in a few words
    needs      what it takes to run: one of NEEDS
    status     one of STATUSES
    test       "tests/room/test_file.py::test_name", which asserts the mechanism; empty if planned
    measured   the measured figures in one line; empty if planned

    Raises InputError, naming the row and the field, for a value that is none of these.
    """

    id: str
    title: str
    component: str
    detail: str
    needs: str
    status: str
    test: str
    measured: str

    def __post_init__(self) -> None:
        for name in FIELDS:
            value = getattr(self, name)
            if not isinstance(value, str):
                raise _wrong(self.id, name, f"is {type(value).__name__}", "Write a string.")
        if not ID.fullmatch(self.id):
            raise _wrong(self.id, "id", "is no id", "Use S or T and two digits.")
        if not self.title.strip():
            raise _wrong(self.id, "title", "is empty", "Give the paper's title.")
        if not COMPONENT.fullmatch(self.component):
            raise _wrong(
                self.id, "component", "is no import path", "Write it as 'everygrain.room.module'."
            )
        if self.needs not in NEEDS:
            raise _wrong(self.id, "needs", f"is {self.needs!r}", f"Use one of {', '.join(NEEDS)}.")
        if self.status not in STATUSES:
            raise _wrong(
                self.id, "status", f"is {self.status!r}", f"Use one of {', '.join(STATUSES)}."
            )

    @property
    def components(self) -> tuple[str, ...]:
        """The import paths, one or two."""
        return tuple(self.component.split(" + "))


FIELDS = tuple(field.name for field in fields(System))


def load(path: str | Path | None = None) -> list[System]:
    """Return the systems of a TOML file, in its order; of the program's own file by default.

    Raises InputError if the file is no TOML, or a row lacks a field, has an unknown one, holds a
    value out of range, or repeats an id.
    """
    source = files("everygrain").joinpath("systems.toml") if path is None else Path(path)
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{source} is no TOML: {error}.", "Mend the line it names.") from error
    rows = table.get("system")
    if set(table) != {"system"} or not isinstance(rows, list):
        raise InputError(f"{source} is no list of systems.", "Write each as '[[system]]'.")
    systems = [_system(row, number) for number, row in enumerate(rows, 1)]
    seen: set[str] = set()
    for system in systems:
        if system.id in seen:
            raise _wrong(system.id, "id", "occurs twice", "Keep one row for a system.")
        seen.add(system.id)
    return systems


def _system(row: Any, number: int) -> System:
    name = (
        str(row.get("id", f"number {number}")) if isinstance(row, Mapping) else f"number {number}"
    )
    if not isinstance(row, Mapping):
        raise _wrong(name, "system", "is no table", "Write '[[system]]' and its fields.")
    for field in FIELDS:
        if field not in row:
            raise _wrong(name, field, "is missing", "Add it; it may be empty where it says so.")
    for field in row:
        if field not in FIELDS:
            raise _wrong(name, field, "is unknown", f"Use {', '.join(FIELDS)}.")
    return System(**row)


def _wrong(row: object, field: str, problem: str, remedy: str) -> InputError:
    return InputError(f"System {row}: the field '{field}' {problem}.", remedy)

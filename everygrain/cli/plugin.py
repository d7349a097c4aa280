"""Commands of other packages: how they are found, and what of this command line they may use.

A package offers commands as an entry point of the group `everygrain.commands`: a name, and a
typer.Typer. It is loaded when it is called for, or when the help lists it; each of its commands
is guarded like our own. The names in `__all__` are stable for such packages.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from everygrain.cli.outcome import guarded
from everygrain.cli.progress import progress
from everygrain.cli.terminal import (
    clean,
    counted,
    is_watched,
    output,
    print_command,
    print_json,
    print_wrapped,
    remark,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "clean",
    "counted",
    "is_watched",
    "output",
    "print_command",
    "print_json",
    "print_wrapped",
    "progress",
    "remark",
]

GROUP = "everygrain.commands"


def _offered() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {each.name: each for each in entry_points(group=GROUP)}


def _loaded(entry: EntryPoint) -> Any:
    """Return an offered command line, as the command that stands in ours."""
    offered: typer.Typer = entry.load()
    for each in offered.registered_commands:
        if each.callback is not None and not hasattr(each.callback, "__wrapped__"):
            each.callback = guarded(each.callback)
    return typer.main.get_command(offered)


class WithPlugins(TyperGroup):
    """Our commands, then those of other packages."""

    def list_commands(self, ctx: Any) -> list[str]:
        own = super().list_commands(ctx)
        return [*own, *(name for name in sorted(_offered()) if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        entry = _offered().get(cmd_name)
        if entry is None:
            return None
        try:
            return _loaded(entry)
        except ImportError as error:
            # a listing of commands goes on without it; calling it says what is missing
            if cmd_name in sys.argv[1:]:
                raise typer.BadParameter(
                    f"'{cmd_name}' cannot be loaded ({error}); install it again."
                ) from error
            return None

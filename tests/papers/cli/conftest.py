"""The real command, as the engine's own commands are tested with."""

from cli.conftest import run

__all__ = ["run"]

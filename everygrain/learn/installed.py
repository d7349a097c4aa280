"""Training needs torch, which the core does without: its absence is told with the remedy."""

from __future__ import annotations

from importlib.util import find_spec

from everygrain.errors import ModelError


def need_torch(what: str) -> None:
    """Raise ModelError where torch is not installed, naming what needs it and the remedy."""
    if find_spec("torch") is None:
        raise ModelError(
            f"{what} needs torch.", 'Install it with `pip install "everygrain[models]"`.'
        )

"""A training step by step: within its seconds, with checkpoints, and told as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from everygrain.errors import StorageError
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import Progress


class Steps(Protocol):
    """A training in memory.

    step, planned   steps done, and to be done
    elapsed         seconds of them
    whole           whether the weights are those after `step` steps
    """

    step: int
    planned: int
    elapsed: float
    whole: bool

    def batches(self) -> Iterator[Sequence[int]]:
        """Yield what each step that is left takes."""

    def take(self, batch: Sequence[int]) -> float:
        """Do one step, and return its loss; `whole` is False from the first weight that moves."""

    def done(self) -> None:
        """Note what goes with the weights after a step; called right after it."""

    def state(self) -> dict[str, Any]:
        """Return all that another process needs to go on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


def run(
    training: Steps,
    checkpoint: Checkpoint,
    progress: Callable[[Progress], None] | None,
    *,
    budget: float | None,
    checkpoint_every: float,
    timed: int,
) -> None:
    """Run a training to its end, from its checkpoint if there is one.

    budget             seconds; None for as long as the planned steps take
    checkpoint_every   seconds
    timed              after so many steps the number that fits the budget is known

    What interrupts it is raised, and its last whole step kept, unless the disk refuses.
    """
    state = checkpoint.read()
    if state is not None:
        training.restore(state)
    kept = time.monotonic()
    begun = kept - training.elapsed
    try:
        for batch in training.batches():
            mean = training.take(batch)
            now = time.monotonic()
            training.done()
            training.step, training.elapsed, training.whole = training.step + 1, now - begun, True
            _fit(training, budget, timed)
            if now - kept >= checkpoint_every:
                checkpoint.write(training.state())
                kept = now
            if progress is not None:
                left = training.elapsed / training.step * (training.planned - training.step)
                progress(Progress(training.step, training.planned, mean, left))
    except BaseException:
        if training.whole:
            with suppress(StorageError):
                checkpoint.write(training.state())
        raise


def _fit(training: Steps, budget: float | None, timed: int) -> None:
    """Fit the steps to the budget, once, and stop where it is used up all the same."""
    if budget is None:
        return
    if training.step == timed:
        able = int(budget * training.step / training.elapsed)
        training.planned = min(training.planned, max(training.step, able))
    if training.elapsed >= budget:
        training.planned = min(training.planned, training.step)

"""A bar on standard error with rate and time left, where somebody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from everygrain.cli.terminal import errors, is_watched

if TYPE_CHECKING:
    from rich.progress import Task

OnProgress = Callable[[int], None]


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[OnProgress]:
    """Show how far a job is; yields what to call with the number of pieces just done.

    total   how many there will be, as far as is known: the bar never says that more are left
            than none
    """
    if not is_watched():
        yield lambda done: None
        return
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text

    class Done(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = task.completed / task.elapsed if task.elapsed else 0.0
            known = task.total is not None and task.total >= task.completed
            of = f" of {task.total:,.0f}" if known else ""
            return Text(f"{task.completed:,.0f}{of}, {rate:,.0f}/s")

    class Left(ProgressColumn):
        # by the mean rate so far: the pieces of an addition are too large for a moving one
        def render(self, task: Task) -> Text:
            if not task.total or not task.completed or not task.elapsed:
                return Text("")
            more = max(task.total - task.completed, 0)
            seconds = round(task.elapsed * more / task.completed)
            return Text(f"left: {timedelta(seconds=seconds)}")

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        Done(),
        TimeElapsedColumn(),
        Left(),
    )
    with Progress(*columns, console=errors(), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int) -> None:
            bar.advance(task, done)
            current = bar.tasks[0]
            if current.total is not None and current.completed > current.total:
                bar.update(task, total=None)

        yield advance

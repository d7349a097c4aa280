"""The command `everygrain`.

Exit codes: 0; 1 for a problem with input, an index or a file, and where `doctor` has findings;
2 for a command line that makes no sense; 130 for Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from everygrain.cli.adapt import adapt
from everygrain.cli.add import add
from everygrain.cli.anchors import anchors
from everygrain.cli.calibrate import calibrate
from everygrain.cli.delete import delete
from everygrain.cli.demo import demo
from everygrain.cli.evaluate import evaluate
from everygrain.cli.experiment import experiment
from everygrain.cli.info import info
from everygrain.cli.judge import judge
from everygrain.cli.outcome import guarded, interrupted, muted
from everygrain.cli.plugin import WithPlugins
from everygrain.cli.reranker import reranker
from everygrain.cli.run import run
from everygrain.cli.search import search
from everygrain.cli.suite import suite
from everygrain.cli.systems import systems
from everygrain.cli.terminal import prepare
from everygrain.cli.upkeep import compact, doctor, reencode

__all__ = ["app", "main"]

app = typer.Typer(
    name="everygrain",
    help="Search your own text at every grain. Begin with `everygrain demo`.",
    epilog="Help on a command: everygrain COMMAND --help",
    cls=WithPlugins,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for command in (
    demo, add, search, delete, info, doctor, compact, reencode, adapt, calibrate, reranker, anchors,
    run, evaluate, experiment, suite, systems,
):  # fmt: skip
    app.command()(guarded(command))
app.add_typer(judge, name="judge")


def _show_version(wanted: bool) -> None:
    if wanted:
        from everygrain import __version__

        typer.echo(f"everygrain {__version__}")
        raise typer.Exit()


@app.callback()
def settle(
    offline: Annotated[
        bool, typer.Option("--offline", help="Send nothing to other machines; fail instead.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    prepare()
    if offline:
        from everygrain.endpoint.offline import go_offline

        go_offline()
        os.environ["HF_HUB_OFFLINE"] = "1"


def main() -> int:
    """Run the command line of this process. Returns its exit code."""
    try:
        app(prog_name="everygrain")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = interrupted()
    else:
        code = 0
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        muted()
    return code

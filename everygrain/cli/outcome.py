"""How a command ends: an exit code, and for whatever went wrong one message and its remedy."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

import typer

from everygrain.cli.terminal import complain, remark
from everygrain.errors import EverygrainError

P = ParamSpec("P")

DEBUG = "EVERYGRAIN_DEBUG"
INTERRUPTED = 130


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return the command with every error told on standard error, and no traceback.

    A reader of the output that goes away (`| head`) ends the command without a word.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(interrupted()) from None
        except BrokenPipeError:
            muted()
            raise typer.Exit(0) from None
        except EverygrainError as error:
            fail(error.problem, error.remedy, getattr(error, "pointer", None))
        except OSError as error:
            about = f"'{error.filename}': " if error.filename else ""
            fail(
                f"{about}{error.strerror or error}.",
                "Check the path, its permissions and the space on the disk.",
            )
        except MemoryError:
            fail("There is not enough memory.", "Close other programs, or add fewer at a time.")
        except Exception as error:
            told = " ".join(str(error).split())[:200]
            fail(
                f"Something unexpected went wrong ({type(error).__name__}: {told}).",
                f"Run it again with {DEBUG}=1 for the traceback, and report that.",
            )

    return run


def fail(problem: str, remedy: str, pointer: Callable[[], str] | None = None) -> NoReturn:
    """Say what is wrong and what to do about it, and end with exit code 1.

    pointer   gives lines that show the place at fault in an argument, to be printed below; the
              exit code is then 2
    """
    if os.environ.get(DEBUG, "") not in ("", "0"):
        traceback.print_exc()
    complain(problem, remedy)
    if pointer is not None:
        for line in pointer().split("\n"):
            remark(f"  {line}")
    raise typer.Exit(1 if pointer is None else 2)


def interrupted() -> int:
    """Say what an interruption leaves behind. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would tear the message
    complain(
        "Interrupted.",
        "Everything committed so far is kept; run the same command again to go on.",
        label="",
    )
    return INTERRUPTED


def muted() -> None:
    """Send what is left of the output nowhere: its reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

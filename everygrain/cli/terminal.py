"""What is printed, and how: results on standard output, all else on standard error.

Text of users and documents is printed as it is, never as markup, and without control characters:
a document must not be able to command the terminal that shows it.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from everygrain.errors import counted as counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 100  # longer lines are hard to read

# controls, marks that turn the direction of what follows, and what UTF-8 cannot hold
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"


def clean(text: str) -> str:
    """Return a text of the same length that is safe to print on one line: line breaks and tabs
    become spaces, other unsafe characters U+FFFD."""
    return _UNSAFE.sub(lambda match: " " if match[0] in _SPACES else "\ufffd", text)


def output() -> Console:
    """Return a console on standard output, at most WIDEST columns wide."""
    console = _console(sys.stdout)
    console.width = min(console.width, WIDEST)
    return console


def errors() -> Console:
    """Return a console on standard error."""
    return _console(sys.stderr)


def _console(file: TextIO) -> Console:
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return Piped(file=file, markup=False, emoji=False, highlight=False)


def is_watched() -> bool:
    """Tell whether somebody sees standard error as it is written."""
    return sys.stderr is not None and sys.stderr.isatty()


def complain(problem: str, remedy: str = "", label: str = "Error: ") -> None:
    """Print a message on standard error, in one line however long, so that it can be searched."""
    from rich.text import Text

    console = errors()
    text = Text(label, style="bold red") + Text(clean(problem), style="not bold default")
    if remedy:
        text += Text(" " + clean(remedy), style="not bold default")
    console.print(text, soft_wrap=True)


def remark(note: str) -> None:
    """Print something worth knowing on standard error."""
    complain(note, label="")


def print_json(value: Any) -> None:
    """Print one JSON value on standard output, unsafe characters as escapes."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    told = json.dumps(value, ensure_ascii=not utf8, indent=2)
    if utf8:
        told = _UNSAFE.sub(lambda m: m[0] if m[0] == "\n" else f"\\u{ord(m[0]):04x}", told)
    sys.stdout.write(told + "\n")


def print_wrapped(console: Console, text: Text | str, first: int = 0, others: int = 2) -> None:
    """Print wrapped text, its first line at one indent and the others at another."""
    from rich.text import Text

    text = Text(clean(text)) if isinstance(text, str) else text
    width = max(console.width - max(first, others), 10)
    for i, line in enumerate(text.wrap(console, width, overflow="fold")):
        line.rstrip()
        if line:
            console.print(Text(" " * (others if i else first)) + line)


def print_command(console: Console, label: str, words: Sequence[str]) -> None:
    """Print a command to be copied; where it needs several lines, a shell reads them as one."""
    lines = [label]
    for word in (shlex.quote(clean(word)) for word in words):
        if len(lines[-1]) + len(word) + 3 > console.width and lines[-1].strip():
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += f" {word}" if lines[-1] else word
    for line in lines:
        console.print(line, style="dim", soft_wrap=True)


def listed(names: Iterable[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


class _Remarks(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        remark(record.getMessage())


def prepare() -> None:
    """Print the program's own warnings as remarks, and "?" for what the output cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    logger = logging.getLogger("everygrain")
    if not logger.handlers:
        logger.addHandler(_Remarks(logging.WARNING))
        logger.propagate = False

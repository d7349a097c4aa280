"""A file of topics, judgements or passages -> its numbered lines."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from everygrain.errors import InputError
from everygrain.read.base import Origin, Reject
from everygrain.read.lines import decode, lines
from everygrain.read.stream import unreadable


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its line break); blank lines are passed over.

    Gzip is undone. Raises InputError, with file and line, for what cannot be read or is not UTF-8.
    """
    number = 0

    def refuse(reject: Reject) -> None:
        raise InputError(reject.reason, "")

    try:
        with path.open("rb") as file:
            packed = file.peek(2).startswith(b"\x1f\x8b")
            stream: io.BufferedIOBase = gzip.GzipFile(fileobj=file) if packed else file
            for number, offset, raw in lines(stream, Origin(str(path), path.name, ""), refuse):
                text = decode(raw, offset).rstrip("\r\n")
                if text.strip():
                    yield number, text
    except InputError as error:
        raise misread(path, max(number, 1), error.problem, error.remedy) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise misread(path, number + 1, f"damaged gzip: {error}.", "Fetch it again.") from None
    except OSError as error:
        raise unreadable(path, error) from error


def misread(path: Path, number: int, problem: str, remedy: str) -> InputError:
    """Say what is wrong with a line, and where it is."""
    return InputError(f"{path}, line {number}: {problem}", remedy)


def only_file(folder: Path, *patterns: str) -> Path:
    """Return the one entry of a folder that fits the patterns.

    Raises InputError if there is none, or if there are several, naming them.
    """
    found = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    if not found:
        raise InputError(
            f"The folder '{folder}' has no {' or '.join(patterns)}.", "Check the folder."
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"The folder '{folder}' has several: {names}.", "Keep one of them.")
    return found[0]

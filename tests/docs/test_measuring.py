"""What docs/measuring.md shows is run as it stands, and prints about what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from everygrain.measure.plan import KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "measuring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python|text)\n(.*?)^```$", PAGE, flags=re.M | re.S)
ROWS = re.findall(r"^\| `(\w+)` \|", PAGE.partition("| key |")[2], flags=re.M)
NUMBER = r"[+-]?\d+(?:\.\d+)?"


def run(kind: str, code: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    command = ["bash", "-euc", code] if kind == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compared(text: str) -> list[tuple[str, list[float]]]:
    """Return each line as its words and its numbers; costs, which vary, are left out."""
    lines = [line.strip() for line in text.partition("\ncost ")[0].strip().splitlines()]
    return [
        (" ".join(re.sub(NUMBER, "#", line).replace("*", "").split()), numbers(line))
        for line in lines
    ]


def numbers(line: str) -> list[float]:
    return [float(number) for number in re.findall(NUMBER, line)]


def test_every_command_runs_as_typed_and_prints_what_the_page_shows(tmp_path: Path) -> None:
    shown, printed = 0, ""
    for kind, code in BLOCKS:
        if kind != "text":
            printed = run(kind, code, tmp_path)
            continue
        shown += 1
        for (words, wanted), (found, values) in zip(compared(code), compared(printed), strict=True):
            assert found == words
            lexical = words.startswith("lexical")  # the others vary with the processor
            tolerance = {"abs": 1e-12} if lexical else {"abs": 0.05, "rel": 0.5}
            assert values == pytest.approx(wanted, **tolerance), words
    assert shown == 2


def test_the_page_names_every_key_of_an_experiment_file() -> None:
    assert list(KEYS) == ROWS

"""The real command in a process of its own, and small collections for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

TOPICS = {
    "bread": "sourdough flour oven crust yeast dough baker loaf rye kneading",
    "stars": "telescope galaxy nebula orbit comet planet eclipse supernova light dust",
    "rivers": "delta current bridge flood salmon valley canal reed stone ferry",
    "trains": "locomotive rail station signal tunnel carriage timetable freight platform steam",
}
COMMAND = [sys.executable, "-m", "everygrain"]


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment without what colours output or goes online."""
    unwanted = ("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "EVERYGRAIN_DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return kept | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | more


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in tmp_path."""

    def run_in(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, env=environment(**more), input=stdin,
            capture_output=True, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip

    return run_in


def records(count: int = 200) -> list[dict[str, Any]]:
    """Make documents of a title and two sentences, by topic in turn."""
    made = []
    for i in range(count):
        topic = list(TOPICS)[i % len(TOPICS)]
        words = TOPICS[topic].split()
        turned = words[i % 10 :] + words[: i % 10]
        first = f"The {topic} of region{i} need {' '.join(turned[:7])} every single day."
        second = f"Nobody counted {' and '.join(turned[4:9])} in the year {1900 + i} before."
        made.append(
            {
                "_id": f"d{i}",
                "title": f"On {topic} and the {turned[0]} of region{i}",
                "text": f"{first} {second}",
                "metadata": {"topic": topic, "year": 1900 + i},
            }
        )
    return made


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with docs.jsonl, and with the indexes `words` (lexical) and `both` (latent)."""
    folder = tmp_path_factory.mktemp("built")
    write(folder / "docs.jsonl", records())
    for name, encoder in (("words", "none"), ("both", "latent")):
        subprocess.run(
            [*COMMAND, "add", name, "docs.jsonl", "--encoder", encoder],
            cwd=folder, env=environment(), check=True, capture_output=True,
        )  # fmt: skip
    return folder


@pytest.fixture
def words(built: Path) -> str:
    """An index without vectors; not to be changed."""
    return str(built / "words")


@pytest.fixture
def both(built: Path) -> str:
    """An index with vectors; not to be changed."""
    return str(built / "both")


@pytest.fixture
def docs(tmp_path: Path) -> str:
    """docs.jsonl of twelve documents, in the folder where the command runs."""
    return write(tmp_path / "docs.jsonl", records(12)).name

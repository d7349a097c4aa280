import json
import subprocess
import sys
from pathlib import Path

import pytest

import everygrain
from everygrain.cli.estimate import estimate
from everygrain.data import bundled as bundled_folder
from everygrain.systems import load

from .conftest import Run, records, write


def test_the_demo_searches_at_once_and_says_what_to_type_next(run: Run, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    # made beforehand with a fast encoder; the demo takes what is there
    bundled = str(bundled_folder())
    run("add", f"{cache}/demo", bundled, "--encoder", "none", EVERYGRAIN_CACHE=cache)
    result = run("demo", EVERYGRAIN_CACHE=cache)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Query: How can I train a dense retriever")
    assert "1. " in result.stdout
    assert "What to type next:\n  everygrain demo 'your own question'\n" in result.stdout
    own = run("demo", "graph of tables", EVERYGRAIN_CACHE=cache)
    assert own.stdout.startswith("Query: graph of tables\n")
    assert "Nothing was found." in run("demo", "qqqq", EVERYGRAIN_CACHE=cache).stdout


def test_the_demo_indexes_what_is_missing(run: Run, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    write(tmp_path / "one.jsonl", [{"id": "p001", "text": "an older card"}])
    run("add", f"{cache}/demo", "one.jsonl", "--encoder", "none")
    result = run("demo", "pseudo labels", EVERYGRAIN_CACHE=cache)
    assert result.returncode == 0, result.stderr
    assert "Indexing the 318 cards" in result.stderr
    assert json.loads(run("info", f"{cache}/demo", "--json").stdout)["documents"] == 318
    assert run("demo", EVERYGRAIN_CACHE=cache).stderr == ""


def test_systems_are_listed_by_status(run: Run) -> None:
    rows = json.loads(run("systems", "--json").stdout)
    assert [row["id"] for row in rows] == [system.id for system in load()]
    assert set(rows[0]) >= {"id", "title", "component", "status", "test", "measured"}
    planned = json.loads(run("systems", "--status", "planned", "--json").stdout)
    assert {row["status"] for row in planned} <= {"planned"}
    works = sum(row["status"] == "works" for row in rows)
    result = run("systems")
    assert result.stdout.endswith(f"{works} work, {len(rows) - works} are planned.\n")
    assert f"{works} work, " in run("systems", "--status", "works").stdout


def test_how_many_documents_there_are_is_told_beforehand(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", records(50))
    (tmp_path / "b.txt").write_text("text")
    (tmp_path / ".hidden").write_text("text")
    assert estimate([str(tmp_path)]) == 51
    write(tmp_path / "corpus.jsonl", records(20_000))
    about = estimate([str(tmp_path)])
    assert about == pytest.approx(20_000, rel=0.05)
    assert estimate(["-"]) is None


@pytest.mark.parametrize("first", ["everygrain.read.jsonl", "everygrain.engine", "everygrain"])
def test_the_public_names_are_there_whatever_was_imported_first(first: str) -> None:
    script = (
        f"import {first}, everygrain\n"
        "from everygrain import *\n"
        "from everygrain.read import read\n"
        "assert everygrain.read_documents is read\n"
        "import everygrain.read\n"
        "assert everygrain.read.read is read\n"
        "assert len(everygrain.__all__) <= 20\n"
        "for name in everygrain.__all__: assert getattr(everygrain, name) is globals()[name]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_importing_the_package_loads_nothing_else() -> None:
    script = "import sys, everygrain; sys.exit(len([m for m in sys.modules if 'numpy' in m]))"
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError):
        _ = everygrain.nonesuch  # type: ignore[attr-defined]

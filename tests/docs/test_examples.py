"""The tables in the README are what its commands write."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from everygrain.measure.plan import read_plan

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = r"[+-]?\d*\.\d+"
# a last digit may be rounded otherwise; what hangs on vectors varies with the processor
EXACT, NEAR = 1.01e-4, 0.005


def table(text: str, after: str = "") -> dict[str, list[str]]:
    """Return the first table after some words: first cell -> the other cells."""
    lines = text.partition(after)[2].splitlines() if after else text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if set(first) != {"-"}:
            rows[first.replace("\\", "")] = cells
    return rows


def numbers(cell: str) -> list[float]:
    return [float(found) for found in re.findall(NUMBER, cell)]


def ran(file: Path, folder: Path) -> str:
    command = [sys.executable, "-m", "everygrain", "experiment", str(file), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "results.md").read_text(encoding="utf-8")


def assert_same(shown: dict[str, list[str]], found: dict[str, list[str]], columns: int) -> None:
    """Compare the rows that were found with those shown, in their first columns."""
    for name, cells in found.items():
        tolerance = EXACT if name == "lexical" else NEAR
        for ours, theirs in zip(cells[:columns], shown[name][:columns], strict=True):
            assert re.sub(rf"{NUMBER}\*?", "#", ours) == re.sub(rf"{NUMBER}\*?", "#", theirs), name
            assert numbers(ours) == pytest.approx(numbers(theirs), abs=tolerance), name


@pytest.mark.slow
def test_the_first_table_is_what_its_command_writes(tmp_path: Path) -> None:
    shown = table(README, "`everygrain experiment examples/bundled.toml`")
    found = table(ran(ROOT / "examples" / "bundled.toml", tmp_path))
    assert list(shown) == list(found)
    assert_same(shown, found, columns=3)  # mean, interval, difference


COLLECTIONS = ROOT / "examples" / "collections.toml"


@pytest.mark.slow
@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data" / "vaswani").is_dir(), reason="needs ../shared/data"
)
def test_the_second_table_is_what_its_command_writes(tmp_path: Path) -> None:
    """Without minilm, whose vectors take half an hour where they are not in the cache."""
    folder = COLLECTIONS.parent.as_posix()
    text = COLLECTIONS.read_text(encoding="utf-8")
    text = text.replace('"../../', f'"{folder}/../../').replace('["static", "minilm"]', '"static"')
    (tmp_path / "static.toml").write_text(text, encoding="utf-8")
    shown = table(README, "`everygrain experiment examples/collections.toml`")
    found = table(ran(tmp_path / "static.toml", tmp_path / "out"))
    for name in ("dense", "fuse(lexical, dense)", "hybrid"):
        found[f"{name} [static]"] = found.pop(name)
        assert shown[f"{name} [minilm]"]
    assert_same(shown, found, columns=4)
    assert set(found) < set(shown)


def test_every_example_can_be_read() -> None:
    files = sorted((ROOT / "examples").glob("*.toml"))
    assert files
    for file in files:
        if (ROOT.parent / "shared" / "data").is_dir() or "shared" not in file.read_text():
            assert read_plan(file).systems

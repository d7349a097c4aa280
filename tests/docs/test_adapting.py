"""What docs/adapting.md shows is run as it stands, and the page names every key."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from everygrain.learn.recipe import Recipe
from tests.docs.test_measuring import run

PAGE = (Path(__file__).parents[2] / "docs" / "adapting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.M | re.S)
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE, flags=re.M)

pytest.importorskip("sentence_transformers")


@pytest.mark.slow
def test_every_command_runs_as_typed(tmp_path: Path) -> None:
    for code in BLOCKS:
        printed = run("sh", code, tmp_path)
        if "everygrain adapt cards --budget" in code:
            assert "judged: papers" in printed
            assert re.search(r"^(Promoted|Refused): ", printed, flags=re.M)
            assert (tmp_path / "cards" / "adaptation" / "report.html").exists()
    report = json.loads((tmp_path / "cards" / "adaptation" / "report.json").read_text())
    assert report["recipe"]["loss"] == "multiple_negatives(scale=30)"
    assert report["recipe"]["seed"] == 1


def test_the_page_names_every_key_with_its_default() -> None:
    told = {name: default for name, _, default in ROWS}
    assert set(told) == {each.name for each in fields(Recipe)}
    for each in fields(Recipe):
        if isinstance(each.default, bool):
            assert told[each.name] == str(each.default).lower()
        elif isinstance(each.default, int | float):
            assert float(told[each.name].replace(",", "")) == each.default

"""What docs/ranking.md shows is run as it stands, and the page names every stage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from everygrain.rank.compose.forms import AROUND, STAGES
from tests.docs.test_measuring import run

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ranking.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.M | re.S)


def test_the_page_names_every_stage_and_all_that_stands_around_a_system() -> None:
    tables = "".join(re.findall(r"^\| (`.*?) \|", PAGE, flags=re.M))
    assert set(re.findall(r"`(\w+)`", tables)) == {*STAGES, *AROUND}


def test_the_files_it_links_to_are_there() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (DOCS / link).exists(), link


@pytest.mark.slow
def test_every_command_runs_as_typed(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    printed = [run(kind, code, tmp_path) for kind, code in BLOCKS]
    assert "fused" not in printed[0]
    assert "rm3: rank 1" in printed[1]
    assert printed[2] == "exit code 2\n"
    assert "now has the word encoder words:16" in printed[3]
    assert printed[4].count("1. ") >= 2
    assert re.search(r"\d+ of \d+ candidates kept, with a score of", printed[5])
    assert re.match(r"\d+ \d+ of \d+ candidates kept", printed[6])
    assert "Weights " in printed[7]
    assert "model was trained on" in " ".join(printed[8].split())
    assert "cards holds 5 anchors" in " ".join(printed[8].split())
    assert "cards now has the encoder latent" in printed[9]

"""What docs/reading-room.md shows is run as it stands, in one folder, and its figures are those
that were measured."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from everygrain_papers.digest import read_settings
from tests.docs.test_measuring import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reading-room.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, flags=re.M | re.S)


@pytest.mark.slow
def test_every_command_runs_as_typed(tmp_path: Path) -> None:
    setting = f'export EVERYGRAIN_PAPERS_HOME="{tmp_path / "reading-room"}"\n'
    printed = "".join(run("sh", setting + code, tmp_path) for code in blocks("sh"))
    assert "Rye and its sour leaven" in printed
    assert "here: Acid protects starch." in printed
    assert "there: Only acid keeps the starch from breaking down." in printed
    assert (tmp_path / "digest.html").exists()


def test_the_settings_of_mail_are_read(tmp_path: Path) -> None:
    (settings,) = blocks("toml")
    assert tomllib.loads(settings)["mail"]["host"] == "mail.example.org"
    (tmp_path / "mail.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "mail-password").write_text("secret\n", encoding="utf-8")
    told = read_settings(tmp_path / "mail.toml", {})
    assert told.server is not None
    assert told.server.password == "secret"
    assert told.pages == "https://papers.example.org"


def test_the_figures_of_facets_are_those_measured() -> None:
    measured = json.loads((ROOT / "benchmarks/results/papers_facets.json").read_text())["facets"]
    order = ("method", "result", "problem")
    for how in ("facet", "whole abstracts"):
        for facet in order:
            assert f".{round(measured[facet]['theirs'][how][0] * 100)}" in PAGE


def test_every_link_and_picture_of_the_page_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target

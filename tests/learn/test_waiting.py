"""A trained candidate on disk: it comes back whole, for the same call alone, or not at all."""

from dataclasses import replace

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.adapted import Adapted
from everygrain.learn.candidate import Candidate
from everygrain.learn.gate import Trial, decide
from everygrain.learn.pairs import Collected
from everygrain.learn.recipe import Recipe
from everygrain.learn.report import Report
from everygrain.learn.waiting import (
    Waiting,
    decided,
    keep,
    publish,
    training_name,
    waiting_in,
    write_report,
)
from tests.encode.test_static import FITTED

RECIPE = Recipe(teacher="")
DOCUMENTS = [Document("a", "One text.", "One"), Document("b", "Another.", "", {"cites": ["a"]})]
MADE = Candidate(
    Adapted(FITTED, taught=True), Collected((), {"title": 7}), 3, [("pairs", 0.5), ("taught", 2.0)]
)
LEFT = Waiting("key", "static-old", MADE, 12.5)


def test_what_waits_comes_back_as_it_was(tmp_path):
    assert waiting_in(tmp_path) is None
    keep(tmp_path, LEFT)
    found = waiting_in(tmp_path)
    assert (found.key, found.old, found.seconds) == ("key", "static-old", 12.5)
    assert found.candidate.pairs.counts == {"title": 7}
    assert (found.candidate.taught, found.candidate.curve) == (3, MADE.curve)
    texts = ["running dogs", "a tree"]
    assert found.candidate.encoder.fingerprint == MADE.encoder.fingerprint
    np.testing.assert_array_equal(found.candidate.encoder.encode(texts), MADE.encoder.encode(texts))


@pytest.mark.parametrize(("path", "cut"), [("trained.json", 30), ("encoder/table.safetensors", 90)])
def test_what_was_damaged_does_not_wait(tmp_path, path, cut):
    keep(tmp_path, LEFT)
    damaged = tmp_path / "trained" / path
    damaged.write_bytes(damaged.read_bytes()[:cut])
    assert waiting_in(tmp_path) is None
    keep(tmp_path, LEFT)
    assert waiting_in(tmp_path) is not None


def test_another_kind_recipe_budget_or_document_is_another_training():
    other = [
        [DOCUMENTS[0]],
        [DOCUMENTS[0], Document("c", "Another.", "", {"cites": ["a"]})],
        [DOCUMENTS[0], Document("b", "Another!", "", {"cites": ["a"]})],
        [DOCUMENTS[0], Document("b", "Another.", "", {"cites": []})],
    ]
    names = [
        training_name("static", RECIPE, DOCUMENTS, 60.0),
        training_name("minilm", RECIPE, DOCUMENTS, 60.0),
        training_name("static", replace(RECIPE, seed=1), DOCUMENTS, 60.0),
        training_name("static", RECIPE, DOCUMENTS, 61.0),
        *(training_name("static", RECIPE, each, 60.0) for each in other),
    ]
    assert len(set(names)) == len(names)
    assert training_name("static", Recipe(teacher=""), list(DOCUMENTS), 60.0) == names[0]


def test_a_report_waits_with_its_decision_until_it_is_published(tmp_path):
    old, new = np.zeros(30), np.linspace(0.2, 0.9, 30)
    decision = decide([Trial("cloze", "dense", old, new)])
    keep(tmp_path, LEFT)
    assert decided(tmp_path) is None
    write_report(
        tmp_path,
        Report("now", "static", "static-old", MADE.encoder.fingerprint, RECIPE, 2, {"title": 7}, 3,
               MADE.curve, decision),
    )  # fmt: skip
    assert decided(tmp_path) == decision
    assert not (tmp_path / "report.json").exists()
    publish(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]

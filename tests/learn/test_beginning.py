"""What a training starts from: read back to the last bit, for the same training alone."""

from dataclasses import replace

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.static import Static
from everygrain.errors import StorageError
from everygrain.learn.beginning import Beginning, beginning_name, begun, forget
from everygrain.learn.by_domain import Grouping
from everygrain.learn.recipe import Recipe
from tests.encode.test_static import FITTED, TABLE

RECIPE = Recipe(teacher="")
DOCUMENTS = [Document("a", "One text.", "One"), Document("b", "Another.", "", {"cites": ["a"]})]
NAME = beginning_name("static", FITTED, DOCUMENTS, RECIPE)
DOMAINS = Grouping({"river": 2, "star": 1}, 1, {"a": "river", "b": "star"})
FIRST = Beginning(DOMAINS, FITTED)
OTHER = Beginning(Grouping(outside=4), Static(TABLE, {}))


def never():
    raise AssertionError("It was made again.")


def test_a_beginning_is_made_once_and_read_back_to_the_last_bit(tmp_path):
    assert begun(tmp_path, NAME, lambda: FIRST) is FIRST
    found = begun(tmp_path, NAME, never)
    assert found.domains == DOMAINS
    assert found.encoder.fingerprint == FITTED.fingerprint
    assert found.encoder.table.matrix.tobytes() == FITTED.table.matrix.tobytes()
    texts = ["a tree", "dogs"]
    np.testing.assert_array_equal(found.encoder.encode(texts), FITTED.encode(texts))


def test_a_beginning_without_an_encoder_keeps_its_domains(tmp_path):
    begun(tmp_path, NAME, lambda: Beginning(DOMAINS))
    found = begun(tmp_path, NAME, never)
    assert (found.domains, found.encoder) == (DOMAINS, None)


def test_another_training_begins_anew_and_takes_the_place(tmp_path):
    begun(tmp_path, NAME, lambda: FIRST)
    assert begun(tmp_path, "another", lambda: OTHER) is OTHER
    assert begun(tmp_path, NAME, lambda: FIRST) is FIRST


def test_what_was_forgotten_is_made_again(tmp_path):
    begun(tmp_path, NAME, lambda: FIRST)
    forget(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert begun(tmp_path, NAME, lambda: OTHER) is OTHER


@pytest.mark.parametrize(
    ("path", "cut"),
    [("beginning.json", 30), ("encoder/table.safetensors", 90), ("encoder/encoder.json", 9)],
)
def test_a_damaged_beginning_is_made_again(tmp_path, path, cut):
    begun(tmp_path, NAME, lambda: FIRST)
    damaged = tmp_path / "beginning" / path
    damaged.write_bytes(damaged.read_bytes()[:cut])
    assert begun(tmp_path, NAME, lambda: OTHER) is OTHER


def test_a_beginning_whose_encoder_is_another_is_made_again(tmp_path):
    begun(tmp_path, NAME, lambda: FIRST)
    told = tmp_path / "beginning" / "beginning.json"
    told.write_text(told.read_text().replace(FITTED.fingerprint, "static-2-of-another"))
    assert begun(tmp_path, NAME, lambda: OTHER) is OTHER


def test_a_beginning_that_cannot_be_written_is_told_of_and_leaves_nothing_half(tmp_path):
    folder = tmp_path / "file"
    folder.write_text("no folder")
    with pytest.raises(StorageError, match="refused to write"):
        begun(folder, NAME, lambda: FIRST)
    assert list(tmp_path.iterdir()) == [folder]


def test_another_kind_base_recipe_or_document_begins_another_training():
    changed = [DOCUMENTS[0], Document("b", "Another!", "", {"cites": ["a"]})]
    others = [
        beginning_name("minilm", FITTED, DOCUMENTS, RECIPE),
        beginning_name("static", None, DOCUMENTS, RECIPE),
        beginning_name("static", FITTED, DOCUMENTS, replace(RECIPE, seed=1)),
        beginning_name("static", FITTED, changed, RECIPE),
        beginning_name("static", FITTED, DOCUMENTS[:1], RECIPE),
    ]
    assert len({NAME, *others}) == 6

"""Experts in an index: their words weigh as in its own documents, as with one adapted table."""

import json
from dataclasses import replace

import numpy as np
import pytest

from everygrain import Document, Index
from everygrain.analyze import split
from everygrain.encode import registry
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import FittedEncoder
from everygrain.encode.experts import StaticExperts
from everygrain.encode.static import Static
from tests.encode.test_experts import ANIMALS, EXPERTS, PLACES, centroids_of, deltas
from tests.encode.test_static import FITTED, PIECES, PIECES_OF
from tests.small_adaptation import documents, name, table

OTHERS = split(["dog dog", "dog tree", "a dog house", "green dog", "cat"])
TEXTS = [*ANIMALS, *PLACES, "cat tree dog", "", "xyz"]


def adding_nothing(shared, taught=False):
    """Experts that encode as one table does."""
    centroids = replace(EXPERTS.centroids, matrix=np.eye(2, shared.dimensions, dtype=np.float32))
    nothing = np.zeros((2, *shared.table.matrix.shape), np.float16)
    return StaticExperts(shared, centroids, nothing, taught=taught)


def test_a_fit_gives_experts_that_add_nothing_the_bits_of_an_adapted_table():
    assert isinstance(EXPERTS, FittedEncoder)
    one = Adapted(FITTED).fit(OTHERS)
    several = StaticExperts(FITTED, centroids_of(FITTED), np.zeros_like(deltas())).fit(OTHERS)
    assert several.fitted == one.fitted == len(OTHERS) != FITTED.fitted
    assert several.encode(TEXTS).tobytes() == one.encode(TEXTS).tobytes()
    assert several.encode(TEXTS).tobytes() != FITTED.encode(TEXTS).tobytes()


@pytest.mark.parametrize(("domain", "place"), [("animals", 0), ("places", 1), (None, None)])
def test_every_expert_weighs_words_by_the_new_documents_and_keeps_its_vectors(domain, place):
    fitted = EXPERTS.fit(OTHERS)
    one = Adapted(FITTED).fit(OTHERS).static
    text, total = "dog tree a greenhouse", np.zeros(FITTED.dimensions)
    for word in text.split():
        for piece in PIECES_OF[word]:
            row = PIECES.index(piece)
            vector = FITTED.table.matrix[row].astype(np.float32)
            if place is not None:
                vector = (vector + EXPERTS.deltas[place, row]).astype(np.float16)
            total += one.idf.get(word, one.unseen) * vector.astype(np.float64)
    expected = total / np.linalg.norm(total)
    np.testing.assert_allclose(fitted.encode_in([text], domain)[0], expected, atol=1e-5)
    assert fitted.centroids is EXPERTS.centroids
    assert fitted.fingerprint != EXPERTS.fingerprint


def test_whether_they_were_taught_is_kept_by_a_fit_and_on_disk_and_told_in_the_name(tmp_path):
    taught = replace(EXPERTS, taught=True)
    assert taught.fingerprint.startswith("taught-experts-2-")
    assert EXPERTS.fingerprint.startswith("experts-2-")
    assert taught.fit(OTHERS).taught
    assert not EXPERTS.fit(OTHERS).taught
    taught.save(tmp_path)
    again = registry.load(tmp_path)
    assert again.taught
    assert again.fingerprint == taught.fingerprint


def test_experts_kept_before_they_told_of_a_teacher_are_read_as_they_were(tmp_path):
    EXPERTS.save(tmp_path)
    path = tmp_path / "encoder.json"
    described = json.loads(path.read_text())
    del described["taught"]
    path.write_text(json.dumps(described))
    again = registry.load(tmp_path)
    assert not again.taught
    assert again.fingerprint == EXPERTS.fingerprint


def index_of(folder, encoder, count):
    made = Index(folder, encoder, language="en")
    made.add(documents(count))
    return made


def test_an_index_that_doubles_fits_them_anew_as_it_fits_an_adapted_table(tmp_path):
    start = replace(Static(table(), {}), fitted=40)
    found = []
    for number, encoder in enumerate((Adapted(start), adding_nothing(start))):
        with index_of(tmp_path / f"{number}", encoder, 60) as made:
            assert made.store.fingerprint == encoder.fingerprint
            report = made.add(Document(f"x{d.id}", d.text, d.title) for d in documents(60, seed=1))
            assert "fitted anew to 120 documents" in " ".join(report.notes)
            served = made.store.encoder
            assert served.fitted == 120
            hits = made.search(f"{name('ka', 3, 1)} {name('mi', 5, 2)}", 10, system="dense")
            found.append([(hit.id, hit.score) for hit in hits])
    assert found[0] == found[1]


def test_the_dense_leg_of_taught_experts_weighs_as_that_of_a_taught_table(tmp_path):
    start = replace(Static(table(), {}), fitted=200)
    encoders = [make(start, taught=t) for t in (False, True) for make in (Adapted, adding_nothing)]
    # titles in words of the texts, so that both legs find something
    told = [Document(d.id, d.text, " ".join(d.text.split()[:7:2])) for d in documents(200)]
    weights = []
    for number, encoder in enumerate(encoders):
        with Index(tmp_path / f"{number}", encoder, language="en") as made:
            made.add(told)
            weights.append(made.store.setting("fusion")["weight"])
    assert weights[0] == weights[1] < weights[2] == weights[3]

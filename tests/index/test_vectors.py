"""One vector for each passage, whichever way an encoder is asked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.latent import Latent
from everygrain.index import vectors
from everygrain.segment.passages import Passages

from .encoders import WordHash

SENTENCES = ["Red apple pie.", "The pear of the plum is sweet.", "Naïve 梨!", "Quince quince?"]
PASSAGES = Passages(words=6, overlap=1)
LATENT = Latent.unfitted("en").fit(split(SENTENCES * 2))
documents = st.lists(
    st.builds(
        Document,
        st.just("a"),
        st.lists(st.sampled_from(SENTENCES), max_size=6).map(" ".join),
        st.sampled_from(["", "Plum", "The red pear"]),
    ),
    max_size=5,
)


def built(batch, encoder):
    return vectors.build(batch, *vectors.split_fields(batch), encoder, PASSAGES, 6)


@given(documents)
def test_each_passage_has_the_vector_of_its_title_and_its_text(batch):
    for encoder in (WordHash(), LATENT):
        arrays = built(batch, encoder)
        assert np.unique(arrays["documents"]).tolist() == list(range(len(batch)))
        assert (np.diff(arrays["documents"]) >= 0).all()
        for row, owner in enumerate(arrays["documents"].tolist()):
            start, end = int(arrays["starts"][row]), int(arrays["ends"][row])
            document = batch[owner]
            assert 0 <= start <= end <= len(document.text)
            alone = encoder.encode([f"{document.title} {document.text[start:end]}"])
            assert alone[0].tobytes() == arrays["vectors"][row].tobytes()


@given(documents, st.data())
def test_fields_of_some_documents_are_as_if_these_had_been_split_alone(batch, data):
    chosen = data.draw(st.lists(st.integers(0, len(batch) - 1), max_size=6)) if batch else []
    taken = vectors.split_fields(batch).take(np.array(chosen, dtype=np.int64))
    alone = vectors.split_fields([batch[i] for i in chosen])
    for ours, theirs in zip(taken, alone, strict=True):
        assert ours.vocabulary == theirs.vocabulary
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.offsets.tolist() == theirs.offsets.tolist()


@given(documents)
def test_passages_cover_every_word_of_a_text(batch):
    arrays = built(batch, WordHash())
    for i, document in enumerate(batch):
        mine = arrays["documents"] == i
        covered = {
            at
            for start, end in zip(arrays["starts"][mine], arrays["ends"][mine], strict=True)
            for at in range(start, end)
        }
        assert all(at in covered for at, c in enumerate(document.text) if not c.isspace())


@given(st.lists(documents, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_merged_vectors_equal_those_built_of_the_documents_that_live(parts, generator):
    masks = [np.array([generator.random() < 0.6 for _ in part], dtype=bool) for part in parts]
    merged = vectors.merge(
        [(built(part, WordHash()), live) for part, live in zip(parts, masks, strict=True)]
    )
    survivors = [
        document
        for part, live in zip(parts, masks, strict=True)
        for document, alive in zip(part, live, strict=True)
        if alive
    ]
    expected = built(survivors, WordHash())
    for name, array in expected.items():
        assert merged[name].dtype == array.dtype
        assert merged[name].tobytes() == array.tobytes(), name

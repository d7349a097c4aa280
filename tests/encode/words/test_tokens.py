"""Token vectors are merged into whole words: pieces first, occurrences then, windows alike."""

import numpy as np
import pytest

from everygrain.analyze import Analyzer
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.tokens import TokenReader, term_hash


@pytest.fixture(scope="module")
def reader(tiny):
    return TokenReader(tiny, Analyzer())


@pytest.fixture(scope="module")
def minilm():
    return TokenReader(Transformer("minilm"), Analyzer())


def states_of(reader, ids):
    """Return the vectors of tokens, run alone between the special ones."""
    import torch

    framed = torch.tensor([[2, *ids, 3]])
    with torch.inference_mode():
        found = reader.transformer.model[0](
            {"input_ids": framed, "attention_mask": torch.ones_like(framed)}
        )
    return found["token_embeddings"][0, 1:-1].numpy()


def test_a_term_has_the_mean_of_its_occurrences_and_stop_words_have_none(reader):
    found = reader.read(["the cat sees a cat of the street"])[0]
    vocabulary = reader._tokenizer.get_vocab()
    words = ["the", "cat", "sees", "a", "cat", "of", "the", "street"]
    states = states_of(reader, [vocabulary[word] for word in words])
    by_hash = dict(zip(found.words.tolist(), found.vectors, strict=True))
    assert set(by_hash) == {term_hash(term) for term in ("cat", "see", "street")}
    assert np.allclose(by_hash[term_hash("cat")], (states[1] + states[4]) / 2, atol=1e-5)
    assert np.allclose(by_hash[term_hash("see")], states[2], atol=1e-5)


def test_pieces_are_averaged_before_occurrences_are(minilm):
    text = "Electrophoresis, then gels, and electrophoresis."
    plan = minilm.plans([text])[0]
    vectors = np.concatenate([states for _, _, _, states in minilm.states([plan])])
    at = int(np.flatnonzero(plan.words == term_hash("electrophoresi"))[0])
    own = np.flatnonzero(plan.term == at)
    first = own[: len(own) // 2]
    assert len(own) > 2
    assert np.allclose(np.diff(first), 1)  # one word of several pieces, twice
    expected = (vectors[first].mean(axis=0) + vectors[own[len(first) :]].mean(axis=0)) / 2
    assert np.allclose(minilm.read([text])[0].vectors[at], expected, atol=1e-5)


def test_reading_and_projecting_is_projecting_what_was_read(reader):
    texts = ["a red cat in the garden", "fish " * 70, ""]
    projection = np.random.default_rng(1).normal(size=(16, 3)).astype(np.float32)
    whole, reduced = reader.read(texts), reader.read(texts, projection=projection)
    for full, few in zip(whole, reduced, strict=True):
        assert np.allclose(full.vectors @ projection, few.vectors, atol=1e-5)


def test_a_long_text_is_read_window_by_window_and_cut_between_words(minilm):
    text = " ".join(f"electrophoresis{i % 7} gel" for i in range(300))
    plan = minilm.plans([text])[0]
    assert len(plan.windows) > 2
    assert plan.windows[0][0] == 0
    assert plan.windows[-1][1] == len(plan.tokens)
    for (_, end), (start, _) in zip(plan.windows, plan.windows[1:], strict=False):
        assert end == start
    assert max(end - start for start, end in plan.windows) <= 254
    pieces = minilm._tokenizer.convert_ids_to_tokens(plan.tokens.tolist())
    assert not any(pieces[start].startswith("##") for start, _ in plan.windows)
    # a term's vector is the mean over the windows' occurrences
    vectors = {start: states for _, start, _, states in minilm.states([plan])}
    flat = np.concatenate([vectors[start] for start, _ in plan.windows])
    at = int(np.flatnonzero(plan.words == term_hash("gel"))[0])
    expected = flat[plan.term == at].mean(axis=0)
    assert np.allclose(minilm.read([text])[0].vectors[at], expected, atol=1e-5)


def test_a_word_longer_than_a_window_is_cut_within(minilm):
    found = minilm.read(["x" * 6000])[0]
    assert found.words.tolist() == [term_hash("x" * 6000)]
    assert np.isfinite(found.vectors).all()


def test_words_that_the_vocabulary_lists_late_or_not_at_all_are_rare(minilm):
    found = minilm.read(["people electrophoresis gel world"])[0]
    rarity = dict(zip(found.words.tolist(), found.rarity.tolist(), strict=True))
    people, gel = rarity[term_hash("peopl")], rarity[term_hash("gel")]
    assert 0 < rarity[term_hash("world")] < people < gel < 1
    assert rarity[term_hash("electrophoresi")] == 1


@pytest.mark.parametrize(
    "text",
    ["", "the of and", "😀 🎉", "データの検索", "ab" * 50_000, "word " * 30_000, "\u0000 \ud7ff"],
)
def test_any_text_gives_finite_vectors_for_the_terms_it_holds(reader, text):
    found = reader.read([text])[0]
    assert len(found.words) == len(found.vectors) == len(set(found.words.tolist()))
    assert np.isfinite(found.vectors).all()
    assert (np.diff(found.words.astype(np.int64)) > 0).all()

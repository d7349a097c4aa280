"""Bags of whole words: the formula, the gate, bytes that depend on the text alone, round trips."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.analyze import Analyzer
from everygrain.encode import words as word_encoders
from everygrain.encode.words.base import SCALE, BagEncoder
from everygrain.encode.words.whole import Gate, WholeWords
from everygrain.errors import ModelError, QueryError

TEXTS = ["a red cat in the garden", "", "dogs see fish and birds", "the", "tree house " * 40]


def bag(bags, i):
    span = slice(bags.offsets[i], bags.offsets[i + 1])
    return dict(zip(bags.words[span].tolist(), bags.vectors[span].tolist(), strict=True))


def test_a_bag_is_the_formula_written_out_in_loops(whole):
    gated = replace(
        whole,
        gate=Gate(np.random.default_rng(2).normal(size=16).astype(np.float32) / 9, 0.5, 0.2),
    )
    bags = gated.encode_bags(TEXTS)
    for i, merged in enumerate(gated.reader.read(TEXTS)):
        found = bag(bags, i)
        for word, rarity, vector in zip(merged.words, merged.rarity, merged.vectors, strict=True):
            mapped = gated.projection.T.astype(float) @ vector + gated.shift
            gate = min(max(float(gated.gate.weights @ vector) + 0.5 * rarity + 0.2, 0), 1)
            expected = SCALE * gate * mapped / max(np.linalg.norm(mapped), 1)
            if gate > 1e-4 or int(word) in found:
                assert np.abs(np.array(found.pop(int(word))) - expected).max() < 0.51
        assert not found


def test_a_word_whose_gate_is_shut_is_left_out_of_documents_and_stays_in_queries(whole):
    rarity = whole.reader.read([TEXTS[0]])[0].rarity
    between = float(np.sort(rarity)[0] + 1e-3)
    shut = replace(whole, gate=Gate(np.zeros(16, dtype=np.float32), 1.0, -between))
    assert len(bag(shut.encode_bags(TEXTS), 0)) == len(rarity) - 1
    assert len(bag(shut.encode_bags(TEXTS, "query"), 0)) == len(rarity)


def test_a_gate_that_keeps_nothing_leaves_each_text_one_word(whole):
    nothing = replace(whole, gate=Gate(np.zeros(16, dtype=np.float32), 0.0, -1.0))
    bags = nothing.encode_bags(TEXTS)
    assert np.diff(bags.offsets).tolist() == [1, 0, 1, 0, 1]
    assert not bags.vectors.any()


@pytest.mark.parametrize(("kept", "expected"), [(1.0, 4), (0.75, 3), (0.5, 2), (0.01, 1)])
def test_a_share_of_a_documents_words_is_kept_the_rarest_first(whole, kept, expected):
    text = "dogs see fish and birds"
    merged = whole.reader.read([text])[0]
    found = bag(whole.with_kept(kept).encode_bags([text]), 0)
    order = sorted(zip(-merged.rarity, merged.words.tolist(), strict=True))
    assert set(found) == {word for _, word in order[:expected]}


@settings(max_examples=20)
@given(
    st.lists(st.sampled_from([*TEXTS, "green fish", "日本 street 😀"]), min_size=1, max_size=9),
    st.sampled_from(["document", "query"]),
)
def test_a_text_has_the_same_bag_beside_any_neighbours(whole, texts, kind):
    together = whole.encode_bags(texts, kind)
    for i, text in enumerate(texts):
        alone = whole.encode_bags([text], kind)
        span = slice(together.offsets[i], together.offsets[i + 1])
        assert together.words[span].tobytes() == alone.words.tobytes()
        assert together.vectors[span].tobytes() == alone.vectors.tobytes()


def test_no_texts_give_no_bags(whole):
    bags = whole.encode_bags([])
    assert (len(bags), bags.vectors.shape) == (0, (0, 4))


def test_words_that_share_a_stem_share_a_hash(whole):
    cats = whole.encode_bags(["cat", "cats", "dog"])
    assert cats.words[0] == cats.words[1] != cats.words[2]


def test_what_was_saved_gives_the_same_bags_and_fingerprint(whole, tmp_path):
    kept = whole.with_kept(0.7)
    kept.save(tmp_path)
    loaded = word_encoders.load(tmp_path)
    assert isinstance(loaded, BagEncoder)
    assert loaded.fingerprint == kept.fingerprint
    before, after = kept.encode_bags(TEXTS), loaded.encode_bags(TEXTS)
    assert before.vectors.tobytes() == after.vectors.tobytes()
    assert before.words.tobytes() == after.words.tobytes()


def test_every_part_is_in_the_fingerprint(whole):
    changed = [
        whole,
        whole.with_kept(0.5),
        replace(whole, projection=whole.projection * 2),
        replace(whole, shift=whole.shift + 1),
        replace(whole, gate=replace(whole.gate, weights=whole.gate.weights + 1)),
        replace(whole, gate=replace(whole.gate, rarity=0.5)),
        replace(whole, gate=replace(whole.gate, bias=0.5)),
        replace(whole, analyzer=Analyzer("de")),
    ]
    assert len({each.fingerprint for each in changed}) == len(changed)


@pytest.mark.parametrize("damage", ["words.json", "words.safetensors", "kind", "shape"])
def test_a_damaged_folder_is_an_error_that_names_it(whole, tmp_path, damage):
    whole.save(tmp_path)
    if damage == "kind":
        (tmp_path / "words.json").write_text(json.dumps({"kind": "other"}))
    elif damage == "shape":
        replace(whole, shift=whole.shift[:2]).save(tmp_path)
    else:
        (tmp_path / damage).write_bytes(b"nothing of use")
    with pytest.raises(ModelError, match=str(tmp_path)):
        word_encoders.load(tmp_path)


@pytest.mark.parametrize(
    "spec", ["word", "words:", "words:x", "words:8:y", "words:8:1:2", "words@", "words:0",
             "words:129", "words:8:0", "words:8:1.5"],
)  # fmt: skip
def test_a_spec_that_is_none_is_refused(spec):
    with pytest.raises(QueryError):
        word_encoders.create(spec)


def test_a_name_gives_dimensions_share_and_transformer(tiny):
    made = word_encoders.create(f"words:3:0.5@{tiny.name}")
    assert isinstance(made, WholeWords)
    assert (made.dimensions, made.kept, made.transformer) == (3, 0.5, tiny)
    again = word_encoders.create(f"words:3:0.5@{tiny.name}")
    assert made.fingerprint == again.fingerprint  # the second comes from the cache


def test_principal_directions_keep_the_most_of_what_they_were_fitted_to():
    from everygrain.encode.words.projection import principal

    generator = np.random.default_rng(3)
    vectors = (generator.normal(size=(500, 6)) * [9, 5, 3, 1, 1, 1] + 4).astype(np.float32)
    centre, directions = principal(vectors)
    spread = ((vectors - centre) @ directions).var(axis=0)
    assert np.allclose(centre, vectors.mean(axis=0), atol=1e-4)
    assert np.allclose(directions.T @ directions, np.eye(6), atol=1e-5)
    assert np.allclose(
        spread, np.sort(np.linalg.eigvalsh(np.cov(vectors.T, ddof=0)))[::-1], rtol=1e-3
    )

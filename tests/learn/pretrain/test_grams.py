"""Explicit n-gram masks: which n-grams there are, what is masked, and who sees whom."""

import numpy as np
import pytest

from everygrain.errors import InputError
from everygrain.learn.pretrain.lexicon import Lexicon, learned_lexicon, t_statistic

torch = pytest.importorskip("torch")
from everygrain.learn.pretrain.base import Pieces, Size  # noqa: E402
from everygrain.learn.pretrain.body import new_body  # noqa: E402
from everygrain.learn.pretrain.grams import NGramMasks, masked, view_of  # noqa: E402

PIECES = Pieces(padding=0, opening=2, closing=3, mask=4, count=12)
LEXICON = Lexicon(((5, 6), (7, 8, 9)))


def test_the_t_of_an_n_gram_worked_by_hand():
    # 10 of 1,000 pairs; tokens with chances .02 and .05, so .001 expected
    expected = (0.01 - 0.001) / np.sqrt(0.01 * 0.99 / 1000)
    assert t_statistic(10, [0.02, 0.05], 1000) == pytest.approx(expected)


def test_words_that_go_together_are_found_and_frequent_neighbours_by_chance_are_not():
    generator = np.random.default_rng(0)
    texts = []
    for _ in range(300):
        text = generator.integers(20, 24, 12).tolist()  # frequent tokens in any order
        if generator.random() < 0.4:
            text[4:6] = [50, 51]
        texts.append(text)
    found = learned_lexicon(texts, size=2, longest=2)
    assert found.grams[0] == (50, 51)
    assert found.grams == learned_lexicon(texts[::-1], size=2, longest=2).grams
    with pytest.raises(InputError, match="1 tokens"):
        learned_lexicon(texts, size=2, longest=1)


def test_a_text_is_cut_into_the_longest_n_grams_from_the_left():
    assert LEXICON.units([5, 6, 7, 8, 9, 5, 7, 8]) == [(5, 6), (7, 8, 9), (5,), (7,), (8,)]


def batch():
    texts = [[10, 5, 6, 11, 7, 8, 9], [10, 11]]
    return texts, masked(texts, LEXICON, PIECES, 0.5, torch.Generator().manual_seed(1))


def test_a_masked_n_gram_is_one_place_and_its_tokens_stand_after_the_text():
    texts, found = batch()
    identities = {12: (5, 6), 13: (7, 8, 9)}
    for row, text in enumerate(texts):
        again, fine = [], {}
        for token, place, position in zip(
            found.truth[row].tolist(),
            found.place[row].tolist(),
            found.position[row].tolist(),
            strict=True,
        ):
            if position >= 0:
                fine.setdefault(position, []).append((place, token))
        for column in range(int(found.attended[row].sum())):
            if found.coarse[row, column]:
                assert found.ids[row, column] == PIECES.mask
                identity = int(found.identities[row, column])
                unit = identities.get(identity, (identity,))
                assert fine.pop(column) == list(enumerate(unit))
                again += unit
            else:
                again.append(int(found.ids[row, column]))
        assert again == [PIECES.opening, *text, PIECES.closing]
        assert not fine
    assert found.coarse.sum(1).tolist() == [2, 1]


def test_the_text_sees_no_fine_mask_and_a_fine_mask_sees_no_coarse_one():
    _, found = batch()
    view = view_of(found)
    wide = found.ids.shape[1]
    for row in range(len(view)):
        for i in range(view.shape[1]):
            for j in range(view.shape[2]):
                if j < wide:
                    seen = bool(found.attended[row, j])
                    seen = seen and (i < wide or not bool(found.coarse[row, j]))
                else:
                    fellow = found.position[row, j - wide]
                    seen = i >= wide and fellow >= 0 and found.position[row, i - wide] == fellow
                assert bool(view[row, i, j]) == bool(seen)


def test_what_a_fine_mask_hides_does_not_reach_its_prediction_and_all_terms_teach():
    torch.manual_seed(0)
    body = new_body(Size(1, 16, 2, tokens=16), 12).eval()
    ids = [[2, 10, 5, 6, 11, 3], [2, 5, 6, 7, 8, 9, 3]]
    task = NGramMasks(grams=4, least=1, share=0.3).task(body, PIECES, ids).eval()
    attended = torch.ones(1, 6, dtype=torch.bool)
    terms = task(torch.tensor(ids[:1]), attended, torch.Generator().manual_seed(0))
    assert set(terms) == {"generator", "identities", "tokens"}
    assert all(float(term.loss.detach()) == pytest.approx(float(term.baseline), abs=1.0)
               for term in terms.values())  # fmt: skip
    _, found = batch()
    vectors = body.embeddings.word_embeddings(found.ids)
    with torch.inference_mode():
        before = task._states(found, vectors)
        after = task._states(found._replace(truth=found.truth + 1), vectors)
    assert torch.equal(before, after)

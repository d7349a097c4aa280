"""Duplex auto-encoding: the bag of words against loops, and what the decoder may see."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from everygrain.learn.pretrain.base import Pieces, Size  # noqa: E402
from everygrain.learn.pretrain.body import new_body  # noqa: E402
from everygrain.learn.pretrain.duplex import (  # noqa: E402
    DuplexAutoEncoder,
    bag_loss,
    decoder_view,
)

PIECES = Pieces(padding=0, opening=2, closing=3, mask=4, count=12)


def test_the_bag_of_words_loss_equals_loops():
    logits = torch.randn(3, 12, generator=torch.Generator().manual_seed(0))
    present = torch.rand(3, 12, generator=torch.Generator().manual_seed(1)) < 0.3
    present[:, 5] = True
    expected = []
    for row in range(3):
        values = logits[row].double().numpy()
        chances = np.exp(values) / np.exp(values).sum()
        expected.append(np.mean([-np.log(chances[j]) for j in range(12) if present[row, j]]))
    assert float(bag_loss(logits, present)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_no_place_sees_itself_and_all_see_the_opening():
    view = decoder_view(30, 40, 0.7, torch.Generator().manual_seed(0))
    assert view[:, :, 0].all()
    others = view[:, :, 1:]
    for i in range(1, 30):
        assert not view[:, i, i].any()
    assert float(others.float().mean()) == pytest.approx(0.3 * 29 / 30, abs=0.01)


def task():
    torch.manual_seed(0)
    body = new_body(Size(1, 16, 2, tokens=16), 12).eval()
    made = DuplexAutoEncoder(reduced=4).task(body, PIECES, [[2, 5, 6, 7, 3], [2, 8, 9, 3]])
    return made.eval()


def test_a_decoded_place_depends_on_the_tokens_that_it_sees_and_on_no_other():
    made = task()
    ids = torch.tensor([[2, 5, 6, 7, 8, 3]])
    reduced = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    attended = torch.ones(1, 6, dtype=torch.bool)
    other = ids.clone()
    other[0, 2] = 11
    changed = 0
    for seed in range(8):
        with torch.inference_mode():
            before, after = (
                made._decode(reduced, text, attended, torch.Generator().manual_seed(seed))
                for text in (ids, other)
            )
        view = decoder_view(6, 1, 0.7, torch.Generator().manual_seed(seed))
        for place in range(6):
            sees = bool(view[0, place, 2])
            assert torch.equal(before[0, place], after[0, place]) != sees
            changed += sees
    assert changed


def test_the_saved_vector_is_the_two_narrow_vectors_side_by_side():
    made = task()
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(2, 5, 16, generator=generator)
    attended = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    features = {"token_embeddings": states, "attention_mask": attended}
    with torch.inference_mode():
        for module in made.pooling():
            features = module(features)
        found = features["sentence_embedding"].numpy()
        for row in range(2):
            mean = states[row][attended[row].bool()].mean(0)
            expected = torch.cat([made.opening(states[row, 0]), made.others(mean)]).numpy()
            assert np.allclose(found[row], expected, atol=1e-5)


def test_both_decoders_teach_the_encoder():
    made = task()
    ids = torch.tensor([[2, 5, 6, 7, 8, 3]])
    terms = made(ids, ids > 0, torch.Generator().manual_seed(0))
    assert set(terms) == {"masked", "decoded", "bag"}
    weight = made.body.encoder.layer[0].output.dense.weight
    for name in terms:
        (gradient,) = torch.autograd.grad(terms[name].loss, weight, retain_graph=True)
        assert gradient.abs().max() > 0

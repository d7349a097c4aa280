"""Weights of training pairs: by difficulty, and by their losses."""

import numpy as np
import pytest
import torch

from everygrain.errors import InputError
from everygrain.learn.curriculum import Eased, Reweighted, ease_by_rank, ease_by_score
from everygrain.learn.losses import Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.feedback import GradesAndPairs
from tests.learn.losses.reference import case

PLAIN = MultipleNegatives(5.0)


def test_weights_rise_from_the_ease_to_one_as_in_the_formula():
    curriculum = Eased(PLAIN, np.array([0.2, 1.0, 0.5]), until=0.5)
    for progress in (0.0, 0.1, 0.25, 0.4999, 0.5, 0.8, 1.0):
        for pair, ease in enumerate([0.2, 1.0, 0.5]):
            share = progress / 0.5
            expected = ease + share * (1 - ease) if progress < 0.5 else 1.0
            assert curriculum.weights([pair], progress)[0] == pytest.approx(expected)


def test_eased_losses_and_gradients_are_those_inside_times_the_weights():
    made = case()
    ease = np.linspace(0, 1, 7)
    wrapped, plain = made.batch(), made.batch()
    Eased(PLAIN, ease, until=0.8)(wrapped).sum().backward()
    weights = [ease[i] + 0.4 / 0.8 * (1 - ease[i]) for i in made.anchors]
    (PLAIN(plain) * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(wrapped.queries.grad, plain.queries.grad, rtol=1e-12)


def test_an_anchor_without_ease_is_refused():
    with pytest.raises(InputError, match="Pair 6 has no ease: there are 5"):
        Eased(PLAIN, np.ones(5))(case().batch())


@pytest.mark.parametrize("ease", [[0.5, 1.5], [-0.1], [np.nan], [[0.5]]])
def test_ease_outside_of_zero_and_one_is_refused(ease):
    with pytest.raises(InputError, match="between 0 and 1"):
        Eased(PLAIN, np.array(ease))


def test_a_curriculum_that_never_ends_or_starts_is_refused():
    for until in (0.0, 1.5, np.nan):
        with pytest.raises(InputError, match="until"):
            Eased(PLAIN, np.ones(1), until)


def test_ease_by_rank_by_hand():
    np.testing.assert_allclose(ease_by_rank([1, 2, 4, np.inf]), [1, 0.5, 0.25, 0])
    # found first with its negative at 10 is easy; the other way round is difficult
    np.testing.assert_allclose(ease_by_rank([1, 10, 3], [10, 1, 3]), [0.95, 0.05, 0.5])
    with pytest.raises(InputError, match="below 1"):
        ease_by_rank([0])


def test_ease_by_score_by_hand():
    scores = [[10.0, 6.0, 2.0], [3.0, 3.0, np.nan]]
    np.testing.assert_allclose(ease_by_score(scores, [8.0, 3.0]), [0.75, 0.5])
    np.testing.assert_allclose(ease_by_score(scores, [8.0, 3.0], [4.0, 3.0]), [0.75, 0.5])
    np.testing.assert_allclose(ease_by_score(scores, [12.0, 3.0], [1.0, 3.0]), [1.0, 0.5])
    with pytest.raises(InputError, match="no first-stage scores"):
        ease_by_score([[np.nan]], [1.0])
    with pytest.raises(InputError, match="for 2 queries"):
        ease_by_score(scores, [1.0])


def by_hand(losses, mapping, bound, sharpness):
    low, high = min(losses), max(losses)
    mapped = []
    for loss in losses:
        h = 2 * bound * loss / (high - low) - bound * (high + low) / (high - low)
        if mapping == "upper":
            mapped.append(min(h + bound, bound))
        elif mapping == "quadratic":
            mapped.append(1 - h * h / bound**2)
        elif mapping == "extremes":
            mapped.append(abs(h))
        else:
            mapped.append(0.0)
    powers = [np.exp(x / sharpness) for x in mapped]
    return [len(losses) * x / sum(powers) for x in powers]


@pytest.mark.parametrize("mapping", ["upper", "quadratic", "extremes", "uniform"])
def test_loss_based_weights_equal_the_formula(mapping):
    losses = [0.3, 2.0, 0.9, 5.0, 0.31]
    found = Reweighted(PLAIN, mapping, 0.4, 1.5).weights(torch.tensor(losses, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), by_hand(losses, mapping, 1.5, 0.4), rtol=1e-12)
    assert float(found.mean()) == pytest.approx(1)


def test_upper_weighs_redundant_pairs_down_and_outliers_no_more_than_the_middle():
    losses = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    weights = Reweighted(PLAIN, "upper", 0.5).weights(losses).tolist()
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] == pytest.approx(weights[3]) == pytest.approx(weights[4])


def test_weights_are_constants_for_the_gradient():
    made = case()
    wrapped, plain = made.batch(), made.batch()
    curriculum = Reweighted(PLAIN, "upper", 0.5)
    curriculum(wrapped).sum().backward()
    losses = PLAIN(plain)
    weights = torch.tensor(by_hand(losses.tolist(), "upper", 1.0, 0.5))
    (losses * weights).sum().backward()
    np.testing.assert_allclose(wrapped.documents.grad, plain.documents.grad, rtol=1e-10)


def test_equal_losses_weigh_alike_and_before_the_start_all_do():
    assert Reweighted(PLAIN).weights(torch.full((3,), 2.0)).tolist() == [1, 1, 1]
    assert Reweighted(PLAIN).weights(torch.zeros(0)).shape == (0,)
    late = Reweighted(PLAIN, start=0.5)(case().batch())
    np.testing.assert_array_equal(late.detach(), PLAIN(case().batch()).detach())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"mapping": "best"}, "upper, quadratic, extremes, uniform"),
        ({"sharpness": 0.0}, "above 0"),
        ({"bound": -1.0}, "above 0"),
        ({"start": 2.0}, "between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused(settings, told):
    with pytest.raises(InputError, match=told):
        Reweighted(PLAIN, **settings)


def test_curricula_compose_and_pass_on_what_the_loss_learns():
    inside = GradesAndPairs()
    both = Reweighted(Eased(inside, np.ones(7)), "quadratic")
    assert isinstance(both, Loss)
    assert [id(each) for each in both.parameters] == [id(each) for each in inside.parameters]
    assert str(both) == "reweighted(eased(grades_and_pairs, until=0.5), quadratic, sharpness=1)"

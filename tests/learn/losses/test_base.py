"""The contract of losses: what a batch may hold, and how a loss is written and read."""

import numpy as np
import pytest
import torch

from everygrain.errors import InputError
from everygrain.learn.losses import LOSSES, Batch, LearnedLoss, Loss, parse_loss
from tests.learn.losses.reference import CASES, case, finite_at

TAUGHT = {
    "margin_mse",
    "distilled_sentence_embedding",
    "divergence",
    "stabilised_distillation",
    "generation_consistency",
    "importance_aware",
}


def made(name):
    return parse_loss(f"{name}(dimensions=5)" if name.startswith("distilled") else name)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_read_as_it_is_written(name):
    loss = LOSSES[name]()
    assert isinstance(loss, Loss)
    assert parse_loss(str(loss)) == parse_loss(repr(loss)) == loss
    assert str(loss) == name


def test_only_settings_that_differ_are_written():
    loss = parse_loss(" multiple_negatives(scale=30, symmetric=True) ")
    assert str(loss) == "multiple_negatives(scale=30)"
    assert repr(loss) == "MultipleNegatives(scale=30.0, symmetric=True)"
    assert loss != parse_loss("multiple_negatives")
    assert hash(loss) == hash(parse_loss("multiple_negatives(scale=30)"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cosine", "The losses are decoupled_softmax, .*multiple_negatives"),
        ("multiple_negatives(skale=3)", "It has scale, symmetric"),
        ("multiple_negatives(scale='high')", "Give it as a number"),
        ("multiple_negatives(scale=True)", "Give it as a number"),
        ("multiple_negatives(symmetric=1)", "Give it as bool"),
        ("multiple_negatives(30)", "has no name"),
        ("multiple_negatives(scale=-1)", "above 0"),
        ("soft_top_k(k=-1)", "0 or above"),
        ("policy_gradient(samples=1)", "Draw 2 or more"),
        ("policy_gradient(samples=0)", "too many"),
        ("individual_temperatures(floor=0.2)", "floor <= temperature"),
        ("individual_temperatures(memory=1)", r"in \[0, 1\)"),
        ("metric_mixup(alpha=0)", "above 0"),
        ("importance_aware(scale=0)", "above 0"),
        ("importance_aware(emphasis=-1)", "0 or more"),
        ("__import__('os').system('true')", "is not a loss"),
        ("multiple_negatives(scale=__import__('os'))", "Give it as a number"),
        ("a b", "is not a loss"),
        ("", "is not a loss"),
    ],
)
def test_a_wrong_name_or_setting_is_refused_with_what_there_is(text, told):
    with pytest.raises(InputError, match=told):
        parse_loss(text)


@pytest.mark.parametrize("name", sorted(TAUGHT))
def test_a_loss_that_needs_a_teacher_says_so(name):
    with pytest.raises(InputError, match=f"{name}.* needs a teacher"):
        made(name)(case().batch(teacher=False))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("which", CASES)
def test_no_loss_or_gradient_is_infinite_whatever_is_missing(name, which):
    finite_at(made(name), CASES[which])


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if name != "distilled_sentence_embedding"]
)
def test_a_masked_document_changes_nothing(name):
    before, after = case(), case()
    before.counted[:, 5] = after.counted[:, 5] = False
    after.documents[5] = -after.documents[5]
    after.teacher[:, 5] = 1e6
    values = [made(name)(each.batch()).detach().numpy() for each in (before, after)]
    np.testing.assert_array_equal(*values)


def test_losses_with_weights_of_their_own_tell_of_them():
    learned = {name for name in LOSSES if isinstance(made(name), LearnedLoss)}
    assert learned == {"distilled_sentence_embedding", "grades_and_pairs"}


@pytest.mark.parametrize("field", ["relevance", "counted", "anchors", "teacher", "documents"])
def test_a_batch_whose_shapes_do_not_fit_is_refused(field):
    good = case().batch()
    parts = {name: getattr(good, name) for name in good.__dataclass_fields__}
    parts[field] = parts[field][:, :-1] if field == "documents" else parts[field][:-1]
    with pytest.raises(InputError, match="dimensions" if field == "documents" else field):
        Batch(**parts)


def test_a_positive_that_is_not_counted_is_refused():
    wrong = case()
    wrong.counted[0, 0] = False
    with pytest.raises(InputError, match="not counted"):
        wrong.batch()


def test_an_empty_batch_gives_no_losses():
    empty = Batch(
        torch.zeros(0, 5),
        torch.zeros(0, 5),
        torch.zeros(0, 0),
        torch.zeros(0, 0, dtype=torch.bool),
        torch.zeros(0, dtype=torch.int64),
    )
    assert parse_loss("multiple_negatives")(empty).shape == (0,)

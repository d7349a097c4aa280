"""Margin-MSE."""

import numpy as np
import pytest

from everygrain.learn.losses.margins import MarginMSE
from tests.learn.losses.reference import CASES, case, check, finite_at


@pytest.mark.parametrize("which", CASES)
def test_value_and_gradient_equal_a_loop_over_all_pairs(which):
    made = CASES[which]

    def written(queries, documents):
        losses = []
        for i in range(len(queries)):
            errors = []
            for p in made.positives[i]:
                for j in made.negatives[i]:
                    if p in made.known[i] and j in made.known[i]:
                        student = 1.5 * (queries[i] @ documents[p] - queries[i] @ documents[j])
                        teacher = made.teacher[i, p] - made.teacher[i, j]
                        errors.append((student - teacher) ** 2)
            losses.append(np.mean(errors) if errors else 0.0)
        return losses

    check(MarginMSE(1.5), made, written)


def test_a_shift_of_all_the_teachers_scores_changes_nothing():
    made, shifted = case(), case()
    shifted.teacher += np.arange(4)[:, None] * 100
    values = [MarginMSE()(each.batch()).detach().numpy() for each in (made, shifted)]
    np.testing.assert_allclose(*values, rtol=1e-10)


def test_a_student_with_the_teachers_margins_has_no_loss():
    made = case()
    made.teacher[:] = made.queries @ made.documents.T + 3
    np.testing.assert_allclose(MarginMSE()(made.batch()).detach().numpy(), 0, atol=1e-20)


def test_a_huge_scale_does_not_overflow():
    finite_at(MarginMSE(1e6))

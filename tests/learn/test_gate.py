"""The gate's decision, against its rule worked out by hand, and its errors when nothing differs."""

import numpy as np
import pytest
from scipy.stats import binom

from everygrain.errors import InputError
from everygrain.learn.gate import Trial, decide
from everygrain.measure.significance import randomisation_test


def values(count, seed=0):
    return np.random.default_rng(seed).random(count)


def test_a_gain_on_one_source_and_none_elsewhere_is_promoted():
    old = values(200)
    better = np.clip(old + 0.1, 0, 1)
    decision = decide([Trial("titles", "served", old, better), Trial("links", "served", old, old)])
    assert decision.promoted
    assert "titles" in decision.reason
    first, second = decision.verdicts
    p = randomisation_test(better, old).p
    assert first.p == p
    assert first.p_corrected == min(1.0, 2 * p)  # Holm over two sources
    assert second.p_corrected == 1.0
    assert first.low < first.difference < first.high


def test_harm_on_one_source_refuses_a_gain_on_another():
    old = values(200)
    decision = decide(
        [Trial("titles", "served", old, old + 0.1), Trial("links", "served", old, old - 0.1)]
    )
    assert not decision.promoted
    assert decision.reason.startswith("Refused: worse on 'links'")


def test_a_gain_that_holm_takes_away_is_refused():
    generator = np.random.default_rng(3)
    old = generator.random(60)
    noise = generator.normal(0, 0.1, 60)
    shift = None
    for step in np.linspace(0, 0.1, 200):  # the smallest gain that is significant alone
        if randomisation_test(old + noise + step, old).p < 0.045 and (noise + step).mean() > 0:
            shift = step
            break
    assert shift is not None
    new = old + noise + shift
    assert decide([Trial("a", "served", old, new)]).promoted
    assert not decide([Trial("a", "served", old, new), Trial("b", "served", old, old)]).promoted


def test_few_queries_decide_nothing():
    old = values(19)
    decision = decide([Trial("titles", "served", old, old + 0.5)])
    assert not decision.promoted
    assert "too few" in decision.reason
    assert decision.verdicts == ()


def test_a_source_of_few_queries_is_told_of_and_not_heard():
    old, few = values(100), values(19)
    decision = decide([Trial("a", "served", old, old), Trial("b", "served", few, few + 1)])
    assert not decision.promoted
    assert [each.source for each in decision.verdicts] == ["a"]
    assert "'b' has 19" in decision.reason


def test_no_trial_at_all_is_an_error_with_a_remedy():
    with pytest.raises(InputError, match="no query"):
        decide([])
    with pytest.raises(InputError, match="same queries"):
        decide([Trial("a", "served", values(40), values(41))])


@pytest.mark.slow
def test_noise_without_any_difference_is_promoted_in_at_most_one_of_forty():
    """The rule promises alpha / 2: only gains count, and Holm holds their family."""
    runs, promoted = 400, 0
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        old, new = generator.random((2, 3, 40))
        trials = [Trial(str(i), "served", old[i], new[i]) for i in range(3)]
        promoted += decide(trials).promoted
    assert promoted <= binom.ppf(0.999, runs, 0.025)

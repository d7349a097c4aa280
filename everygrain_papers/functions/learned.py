"""Functions learned from few labelled abstracts: several views vote, and agreement labels more.

Source: Low-Resource Multi-Granularity Academic Function Recognition Based on Multiple Prompt
Knowledge.

As there: several views of one text each learn from the few labels, their vote labels the
unlabelled pool, and what is sure of enough is learned from again. There the views are prompts
(hand-written and learned) to a language model that is fine-tuned; here they are five kinds of
features under linear models, the hand-written cue phrases among them in the place of hand-written
prompts, so that training takes seconds on one core. Ours are the filter by agreement and the
sequence step.

    vote(i, f)  = mean over views v of log p_v(f | i), normalised to log probabilities
    agreed(i)   = all views rank the same f first, and exp vote(i, f) >= sure; weighed so that
                  the functions' shares stay those of the labels (agreement likes the easy ones)
    path        = best of  sum_i vote(i, y_i) + transitions(y_{i-1}, y_i)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from everygrain import Encoder
from everygrain.errors import InputError, ModelError
from everygrain_papers.functions.base import FUNCTIONS, Floats, Labelled, check, labelled
from everygrain_papers.functions.labels import LabelledAbstract
from everygrain_papers.functions.linear import Rows, fit, log_probabilities
from everygrain_papers.functions.rules import FOLLOWS
from everygrain_papers.functions.sequence import Transitions, padded
from everygrain_papers.functions.views import (
    TERM_VIEWS,
    Abstract,
    TermView,
    cue_rows,
    prior,
    shared_rows,
    vector_rows,
)

VIEWS = (*TERM_VIEWS, "cues", "vectors")
_BATCH = 512  # abstracts labelled at once


@dataclass(frozen=True)
class Training:
    """How to learn; the defaults were chosen on parts of csabstruct/train.

    views       which of VIEWS vote; "vectors" only where there is an encoder
    penalty     of the squared distance of the coefficients from the rules, above 0
    rules_worth so many labelled abstracts weigh as much as the rules: with n of them the penalty
                is rules_worth / n if that is more
    pool        at most so many unlabelled abstracts are used, drawn by the seed
    sure        the least probability of an agreed label, in [0, 1]
    trust       weight of an agreed label beside a given one, in [0, 1]; 0, the default: only
                given ones, as agreed ones did not help there
    rounds      how often the pool is labelled and learned from
    even        how far rare functions are brought level, in [0, 1]: sentences weigh as their
                function's share to the power of -even; 0 leaves shares as they are
    strength    of the transitions, see Transitions.counted
    """

    views: tuple[str, ...] = VIEWS
    penalty: float = 0.3
    rules_worth: float = 30.0
    pool: int = 2000
    sure: float = 0.8
    trust: float = 0.0
    rounds: int = 1
    even: float = 0.5
    strength: float = 0.5

    def __post_init__(self) -> None:
        unknown = [view for view in self.views if view not in VIEWS]
        if unknown or not self.views:
            raise InputError(
                f"There is no view '{unknown[0]}'." if unknown else "No view is named.",
                f"Use some of: {', '.join(VIEWS)}.",
            )
        if self.penalty <= 0 or not 0 <= self.trust <= 1 or not 0 <= self.sure <= 1:
            raise InputError(
                f"{self} cannot be trained.",
                "Give a penalty above 0, and `sure` and `trust` in [0, 1].",
            )


@dataclass(frozen=True, eq=False)
class Learned:
    """Labels by the vote of several views and a sequence step; made by `train` or `load`.

    coefficients   view -> (features, 5)
    term_views     name -> its vocabulary, for the views of terms
    encoder        gives the vectors of the view "vectors"; None without that view
    told           how it was trained: numbers for a page or a report
    """

    coefficients: Mapping[str, Floats]
    term_views: Mapping[str, TermView]
    transitions: Transitions
    encoder: Encoder | None = None
    told: Mapping[str, float] = field(default_factory=dict)

    def label(self, sentences: Sequence[str]) -> Labelled:
        return self.label_all([sentences])[0]

    def label_all(self, abstracts: Sequence[Sequence[str]]) -> list[Labelled]:
        check(abstracts)
        found: list[Labelled] = []
        for first in range(0, len(abstracts), _BATCH):
            batch = abstracts[first : first + _BATCH]
            lengths = [len(each) for each in batch]
            emissions = padded(vote(list(self.by_view(batch).values())), lengths)
            paths = self.transitions.paths(emissions, lengths)
            found += labelled(paths, self.transitions.marginals(emissions, lengths), lengths)
        return found

    def by_view(self, abstracts: Sequence[Abstract]) -> dict[str, Floats]:
        """Return view -> (sentences of all abstracts, 5) log probabilities, for each alone."""
        views = dict(_rows(tuple(self.coefficients), abstracts, self.term_views, self.encoder))
        return {
            name: log_probabilities(rows, self.coefficients[name]) for name, rows in views.items()
        }


def vote(views: Sequence[Floats]) -> Floats:
    """Return (n, 5): the mean of the views' log probabilities, normalised again."""
    told: Floats = log_softmax(np.mean(views, axis=0), axis=1)
    return told


def agreed(
    views: Sequence[Floats], sure: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows on which all views rank one function first and the vote is sure, and it."""
    first = np.array([view.argmax(axis=1) for view in views])
    told = vote(views)
    same = (first == first[0]).all(axis=0)
    kept = np.flatnonzero(same & (np.exp(told.max(axis=1)) >= sure))
    return kept, first[0][kept]


def balance(wanted: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> Floats:
    """Return (found,) weights that bring the functions' shares among `found` near `wanted`'s.

    A function's weight is the ratio of its shares, one sentence of each added, within [1/4, 4].
    """
    count = len(FUNCTIONS)
    given = np.bincount(wanted, minlength=count) + 1.0
    told = np.bincount(found, minlength=count) + 1.0
    ratios: Floats = np.clip((given / given.sum()) / (told / told.sum()), 0.25, 4.0)
    return ratios[found]


def evened(labels: npt.NDArray[np.int64], even: float) -> Floats:
    """Return (labels,) weights of mean 1, each as its function's share to the power of -even.

    A share counts one sentence of each function more than there are, so that one sentence alone
    does not rule.
    """
    counts = np.bincount(labels, minlength=len(FUNCTIONS)) + 1.0
    weights: Floats = (counts / counts.sum())[labels] ** -even
    return weights / float(weights.mean())


def train(
    examples: Sequence[LabelledAbstract],
    unlabelled: Sequence[Sequence[str]] = (),
    encoder: Encoder | None = None,
    training: Training | None = None,
    seed: int = 0,
) -> Learned:
    """Learn from labelled abstracts, and from unlabelled ones by what the views agree on.

    unlabelled   abstracts as lists of sentences; also gives the terms their rarity
    encoder      for the view "vectors"; left out without one
    seed         draws the pool; all else follows from the data
    Raises InputError without a labelled sentence, or for sentences that are no texts.
    """
    options = training or Training()
    known = [example.sentences for example in examples]
    check(known)
    check(unlabelled)
    wanted = np.array([FUNCTIONS.index(f) for e in examples for f in e.functions], dtype=np.int64)
    if not len(wanted):
        raise InputError("There is no labelled sentence to learn from.", "Give some abstracts.")
    drawn = np.random.default_rng(seed).permutation(len(unlabelled))[: options.pool]
    pool = [unlabelled[i] for i in sorted(drawn)] if options.trust else []
    names = tuple(v for v in options.views if v != "vectors" or encoder is not None)
    if not names:
        raise InputError("The view 'vectors' needs an encoder.", "Give one, or name other views.")
    everything = [*known, *pool]
    terms = {name: TermView.seen(name, everything) for name in names if name in TERM_VIEWS}
    rows = dict(_rows(names, everything, terms, encoder))
    given, count = np.arange(len(wanted)), sum(len(each) for each in everything)
    chosen, labels, weights = given, wanted, np.ones(len(wanted))
    priors = {name: prior(rows[name].shape[1]) for name in names}
    penalty = max(options.penalty, options.rules_worth / len(examples))
    fitted: dict[str, Floats] = {}
    for step in range(1 + options.rounds):
        level = weights * evened(labels, options.even)
        fitted = {n: fit(rows[n][chosen], labels, level, penalty, priors[n]) for n in names}
        if not pool or step == options.rounds:
            break
        rest = np.arange(len(wanted), count)
        told = [log_probabilities(rows[name][rest], fitted[name]) for name in names]
        kept, found = agreed(told, options.sure)
        chosen, labels = np.concatenate([given, rest[kept]]), np.concatenate([wanted, found])
        weights = np.concatenate([np.ones(len(wanted)), options.trust * balance(wanted, found)])
    follows = Transitions.counted(
        [[FUNCTIONS.index(f) for f in e.functions] for e in examples], options.strength, FOLLOWS
    )
    report = {
        "labelled_abstracts": len(examples), "labelled_sentences": len(wanted),
        "pool_sentences": count - len(wanted), "agreed_sentences": len(labels) - len(wanted),
    }  # fmt: skip
    return Learned(fitted, terms, follows, encoder if "vectors" in names else None, report)


def _rows(
    names: Sequence[str],
    abstracts: Sequence[Abstract],
    terms: Mapping[str, TermView],
    encoder: Encoder | None,
) -> Iterator[tuple[str, Rows]]:
    shared = shared_rows(abstracts)
    for name in names:
        if name == "cues":
            yield name, cue_rows(abstracts, shared)
        elif name != "vectors":
            yield name, terms[name].rows(abstracts, shared)
        elif encoder is None:
            raise ModelError("The view 'vectors' has no encoder.", "Give the one of training.")
        else:
            yield name, vector_rows(abstracts, shared, encoder)

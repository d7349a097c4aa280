"""The user's own labels for papers, from their names and a few examples each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.topics import calibration, logistic, stored
from everygrain_papers.topics.held import text_of
from everygrain_papers.topics.lexicon import Floats, Lexicon
from everygrain_papers.topics.space import Space, Vectors, checked
from everygrain_papers.topics.verbalizer import Encodes, Verbalizer

LOOKED_AT = 10_000  # papers of the collection that labels are related to
TRUST = 5.0  # log-odds of one unit of the verbaliser's score
TERM_SCALE = 2.0  # length of a text's row of terms beside its vector's 1
PENALTY = 0.1
OTHERS = 3.0  # weight of the examples of other labels, against that of a label's own
STRANGERS, FROM_ELSEWHERE = 300, 0.1  # papers of the collection that stand against all; weight
FOLDS = 5  # models that score examples which they did not see
TAGGED = 0.5
_ONE_BELOW = 0.1587  # share of a normal distribution below its mean less one deviation


@dataclass(frozen=True, slots=True)
class Tag:
    """One label of a paper.

    probability  that it fits, from 0 to 1
    terms        terms of the paper that spoke for it, the strongest first, at most five
    """

    label: str
    probability: float
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Tagger:
    """Labels, each with a logistic regression that starts from a verbaliser.

        odds(x, label) = TRUST (score(x, label) - mean score) + x . w + b
        probability = sigmoid((odds - median) / deviation + shift)

    x is a paper's vector in the space beside its terms; w and b come from the examples and are 0
    without. Beside the examples of other labels some papers of the collection stand against each
    label, which are rarely its own. The median and the deviation below it are over the
    collection, of which most has not the label, and means over labels: a label that every second
    paper has would be pushed below its rivals by a median of its own. The shift of each label
    tells how rare it is: see `calibration`.

    coefficients   (e + terms + 1, labels)
    means          (2, labels) mean of the score, and median of the odds, mean over labels
    deviation      of the odds below the median, mean over labels, above 0
    shifts         (labels,)
    """

    labels: tuple[str, ...]
    space: Space
    verbalizer: Verbalizer
    coefficients: Floats
    means: Floats
    deviation: float
    shifts: Floats

    @classmethod
    def fit(
        cls,
        labels: Mapping[str, Sequence[str]],
        papers: Sequence[Paper],
        vectors: npt.ArrayLike,
        encoder: Encodes,
        seed: int = 0,
    ) -> Tagger:
        """Learn labels.

        labels   name -> ids of example papers, of which there may be none; a paper may be an
                 example of several labels
        papers   the collection, examples included;   vectors  (papers, d) float32
        encoder  encodes words: an Index or an Encoder, that made the vectors
        Raises InputError for no labels, an empty name, names that differ in case only, an
        example that is no paper of the collection, and vectors that do not fit.
        """
        rows = checked(vectors, len(papers))
        names, wanted = _checked(labels, [paper.id for paper in papers])
        shown = _shown(len(papers), wanted, seed)
        lexicon, held = Lexicon.fit([text_of(papers[place]) for place in shown])
        return cls._of(names, wanted, shown, lexicon, held, rows[shown], encoder, seed)

    @classmethod
    def fit_held(
        cls,
        labels: Mapping[str, Sequence[str]],
        ids: Sequence[str],
        held: csr_matrix,
        lexicon: Lexicon,
        vectors: npt.ArrayLike,
        encoder: Encodes,
        seed: int = 0,
    ) -> Tagger:
        """Learn labels as `fit` does, of papers that were read before.

        ids      of the collection;   held  (ids, terms) as `lexicon.held` returns it of them
        Raises InputError as `fit` does.
        """
        rows = checked(vectors, len(ids))
        names, wanted = _checked(labels, ids)
        shown = _shown(len(ids), wanted, seed)
        return cls._of(names, wanted, shown, lexicon, held[shown], rows[shown], encoder, seed)

    @classmethod
    def _of(
        cls,
        names: tuple[str, ...],
        wanted: Mapping[int, set[int]],
        shown: npt.NDArray[np.int64],
        lexicon: Lexicon,
        held: csr_matrix,
        rows: Vectors,
        encoder: Encodes,
        seed: int,
    ) -> Tagger:
        """Learn labels of the papers at the places shown, whose terms and vectors these are."""
        if not np.any(rows):
            raise InputError("There is no paper with a vector.", "Add papers.")
        space = Space.fit(rows)
        mapped = space.map(rows)
        verbalizer = Verbalizer.fit(names, lexicon, held, mapped, encoder)
        told = _Told(lexicon.weighted(held), mapped)
        scores = verbalizer.scores(told.terms, told.mapped)
        unfitted = cls(
            names,
            space,
            verbalizer,
            np.zeros((mapped.shape[1] + len(lexicon.terms) + 1, len(names))),
            np.stack([scores.mean(axis=0), np.zeros(len(names))]),
            1.0,
            np.zeros(len(names)),
        )
        chosen = np.searchsorted(shown, np.array(sorted(wanted), dtype=np.int64))
        table = np.zeros((len(chosen), len(names)))
        for row, place in enumerate(sorted(wanted)):
            table[row, list(wanted[place])] = 1
        learned = unfitted._standard(told, unfitted._learned(told, chosen, table))
        odds = learned._odds(told) / learned.deviation
        crossed = unfitted._crossed(told, chosen, table, seed)
        shares = calibration.shares(crossed, table, odds)
        shifts = calibration.shifts(odds, shares, table.sum(axis=0))
        return replace(learned, shifts=shifts)

    def _standard(self, told: _Told, coefficients: Floats) -> Tagger:
        """Return the tagger with other coefficients, its odds in deviations of these papers."""
        learned = replace(self, coefficients=coefficients)
        middle, low = np.quantile(learned._odds(told), [0.5, _ONE_BELOW], axis=0)
        means = np.stack([self.means[0], np.full(len(self.labels), middle.mean())])
        return replace(learned, means=means, deviation=max(1e-9, float((middle - low).mean())))

    def _crossed(
        self, told: _Told, examples: npt.NDArray[np.int64], wanted: Floats, seed: int
    ) -> Floats:
        """Return (examples, labels) odds in deviations, each by a model without the example."""
        crossed = np.zeros(wanted.shape)
        order = np.random.default_rng(seed).permutation(len(examples))
        for fold in range(min(FOLDS, len(examples))):
            out = order[fold::FOLDS]
            kept = np.setdiff1d(np.arange(len(examples)), out)
            left = np.setdiff1d(np.arange(len(told.mapped)), examples[out])
            others = told.of(left)
            coefficients = self._learned(
                others, np.searchsorted(left, examples[kept]), wanted[kept]
            )
            learned = self._standard(others, coefficients)
            crossed[out] = learned._odds(told.of(examples[out])) / learned.deviation
        return crossed

    def _learned(self, told: _Told, examples: npt.NDArray[np.int64], wanted: Floats) -> Floats:
        if not len(examples):
            return self.coefficients
        strangers = np.setdiff1d(np.arange(len(told.mapped)), examples)
        strangers = strangers[:: max(1, len(strangers) // STRANGERS)]
        chosen = told.of(np.concatenate([examples, strangers]))
        positive = wanted.sum(axis=0)
        against = OTHERS * positive / np.maximum(1, len(examples) - positive)
        weights = np.where(wanted == 1, 1.0, against[None, :])
        elsewhere = FROM_ELSEWHERE * positive / max(1, len(strangers))
        weights = np.concatenate([weights, np.tile(elsewhere, (len(strangers), 1))])
        wanted = np.concatenate([wanted, np.zeros((len(strangers), len(self.labels)))])
        return logistic.fit(chosen.features, wanted, weights, self._odds(chosen), PENALTY)

    def _odds(self, told: _Told) -> Floats:
        known = TRUST * (self.verbalizer.scores(told.terms, told.mapped) - self.means[0])
        return np.asarray(
            known + told.features @ self.coefficients[:-1] + self.coefficients[-1] - self.means[1]
        )

    def probabilities(self, papers: Sequence[Paper], vectors: npt.ArrayLike) -> Floats:
        """Return (papers, labels) how probable each label is; 0 without a vector.

        Raises InputError for vectors that do not fit.
        """
        return self._probable(*self._told(papers, vectors))

    def probabilities_held(self, held: csr_matrix, vectors: npt.ArrayLike) -> Floats:
        """Return what `probabilities` does, of papers whose terms the lexicon's `held` found."""
        rows = checked(vectors, held.shape[0], self.space.dimensions)
        told = _Told(self.verbalizer.lexicon.weighted(held), self.space.map(rows))
        return self._probable(told, np.any(rows != 0, axis=1))

    def tag(
        self, papers: Sequence[Paper], vectors: npt.ArrayLike, least: float = TAGGED
    ) -> list[tuple[Tag, ...]]:
        """Return the labels of each paper, the most probable first; none where none fits.

        least   probability from which a label is given
        Raises InputError for vectors that do not fit.
        """
        told, known = self._told(papers, vectors)
        probable = self._probable(told, known)
        weights = TRUST * self.verbalizer.weights.toarray()
        weights += TERM_SCALE * self.coefficients[told.mapped.shape[1] : -1].T
        found = []
        for place, row in enumerate(probable):
            order = np.lexsort((np.arange(len(row)), -row))
            terms = told.terms[place]
            found.append(
                tuple(
                    Tag(self.labels[i], float(row[i]), self._spoke(terms, weights[i]))
                    for i in order
                    if row[i] >= least
                )
            )
        return found

    def _spoke(self, terms: csr_matrix, weights: Floats) -> tuple[str, ...]:
        strengths = terms.data * weights[terms.indices]
        order = np.lexsort((terms.indices, -strengths))[:5]
        written = self.verbalizer.lexicon.written
        return tuple(written[terms.indices[i]] for i in order if strengths[i] > 0)

    def _told(
        self, papers: Sequence[Paper], vectors: npt.ArrayLike
    ) -> tuple[_Told, npt.NDArray[np.bool_]]:
        rows = checked(vectors, len(papers), self.space.dimensions)
        terms = self.verbalizer.lexicon.rows([text_of(paper) for paper in papers])
        return _Told(terms, self.space.map(rows)), np.any(rows != 0, axis=1)

    def _probable(self, told: _Told, known: npt.NDArray[np.bool_]) -> Floats:
        probable: Floats = expit(self._odds(told) / self.deviation + self.shifts)
        return probable * known[:, None]

    def save(self, folder: str | Path) -> None:
        """Write the tagger into a folder, which is made. Raises InputError if it cannot be."""
        lexicon, weights = self.verbalizer.lexicon, self.verbalizer.weights
        arrays = {
            "mean": self.space.mean,
            "directions": self.space.directions,
            "spreads": self.space.spreads,
            "rarity": lexicon.rarity,
            "prototypes": self.verbalizer.prototypes,
            "weights": weights.data,
            "columns": weights.indices,
            "starts": weights.indptr,
            "coefficients": self.coefficients,
            "means": self.means,
            "shifts": self.shifts,
        }
        told = {
            "labels": list(self.labels),
            "rest": self.space.rest,
            "deviation": self.deviation,
            "terms": list(lexicon.terms),
            "written": list(lexicon.written),
        }
        stored.write(folder, "labels", arrays, told)

    @classmethod
    def load(cls, folder: str | Path) -> Tagger:
        """Read what `save` wrote. Raises ModelError for missing or damaged files."""
        return stored.read(folder, "labels", cls._of_parts)

    @classmethod
    def _of_parts(cls, arrays: stored.Arrays, told: stored.Told) -> Tagger:
        labels, terms = tuple(map(str, told["labels"])), tuple(map(str, told["terms"]))
        space = Space(arrays["mean"], arrays["directions"], arrays["spreads"], float(told["rest"]))
        width = len(space.spreads)
        stored.check_shapes(
            (space.directions, (len(space.mean), width)),
            (space.spreads, (width,)),
            (arrays["rarity"], (len(terms),)),
            (arrays["prototypes"], (len(labels), width)),
            (arrays["coefficients"], (width + len(terms) + 1, len(labels))),
            (arrays["means"], (2, len(labels))),
            (arrays["shifts"], (len(labels),)),
        )
        deviation = float(told["deviation"])
        if not deviation > 0 or not space.rest > 0:
            raise ValueError("its figures are out of range")
        if not labels or len(told["written"]) != len(terms) or not (space.spreads > 0).all():
            raise ValueError("its figures are out of range")
        weights = csr_matrix(
            (arrays["weights"], arrays["columns"], arrays["starts"]), (len(labels), len(terms))
        )
        weights.check_format()
        lexicon = Lexicon(terms, tuple(map(str, told["written"])), arrays["rarity"])
        verbalizer = Verbalizer(labels, lexicon, weights, arrays["prototypes"])
        return cls(
            labels,
            space,
            verbalizer,
            arrays["coefficients"],
            arrays["means"],
            deviation,
            arrays["shifts"],
        )


@dataclass(frozen=True, eq=False)
class _Told:
    """Papers as the regressions see them: terms (n, terms) and mapped vectors (n, e)."""

    terms: csr_matrix
    mapped: Vectors

    @property
    def features(self) -> csr_matrix:
        return csr_matrix(hstack([csr_matrix(self.mapped, dtype=float), TERM_SCALE * self.terms]))

    def of(self, places: npt.NDArray[np.int64]) -> _Told:
        return _Told(self.terms[places], self.mapped[places])


def _checked(
    labels: Mapping[str, Sequence[str]], ids: Sequence[str]
) -> tuple[tuple[str, ...], dict[int, set[int]]]:
    """Return the names, and the place of every example with the numbers of its labels."""
    names = _checked_names(labels)
    places = {identity: place for place, identity in enumerate(ids)}
    wanted: dict[int, set[int]] = {}
    for number, examples in enumerate(labels.values()):
        for identity in [examples] if isinstance(examples, str) else examples:
            if identity not in places:
                raise InputError(
                    f"The example {identity!r} of '{names[number]}' is no paper here.",
                    "Add the paper to the collection, or take the example away.",
                )
            wanted.setdefault(places[identity], set()).add(number)
    return names, wanted


def _shown(count: int, wanted: Mapping[int, set[int]], seed: int) -> npt.NDArray[np.int64]:
    """Return the places of the papers that are looked at, ascending: some, and all examples."""
    order = np.random.default_rng(seed).permutation(count)[:LOOKED_AT]
    return np.union1d(order, np.array(sorted(wanted), dtype=np.int64))


def _checked_names(labels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    names = tuple(labels)
    if not names:
        raise InputError("There are no labels.", "Give at least one.")
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError("A label has no name.", "Give every label a name.")
    lower = [name.strip().lower() for name in names]
    for place, name in enumerate(lower):
        if name in lower[:place]:
            raise InputError(
                f"There are two labels '{names[place]}'.", "Give every label its own name."
            )
    return names

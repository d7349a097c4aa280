"""The systems of the digest benchmark: ours, and the published tools' methods built again.

None of them is told who wrote a paper, where it appeared or who its co-authors are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from digest_readers import Reader, Year
from scipy.sparse import csr_matrix

from everygrain_papers.interests import Mix, Pool, recommend_from
from everygrain_papers.interests.terms import Floats

SHOWN = 50

# What arxiv-sanity-lite's compute.py and send_emails.py set, authors left out of the text.
FEATURES = {
    "strip_accents": "unicode",
    "stop_words": "english",
    "token_pattern": r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
    "ngram_range": (1, 2),
    "max_features": 20_000,
    "sublinear_tf": True,
    "max_df": 0.1,
    "min_df": 5,
}
MACHINE = {"class_weight": "balanced", "max_iter": 10_000, "tol": 1e-6, "C": 0.01}


class Systems:
    """All systems on one year; what does not depend on the reader is made once."""

    def __init__(self, year: Year) -> None:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

        self.year = year
        self.ids = [paper.id for paper in year.candidates]
        self.places = {each: i for i, each in enumerate(year.papers)}
        self.rows = np.array([self.places[each] for each in self.ids])
        texts = [f"{paper.title} {paper.abstract}" for paper in year.papers.values()]
        self.features: csr_matrix = TfidfVectorizer(**FEATURES).fit_transform(texts)
        self.features = self.features.astype(np.float32)
        self.counts: csr_matrix = CountVectorizer(stop_words="english", min_df=2).fit_transform(
            texts
        )
        none = np.zeros_like(year.vectors[self.ids[0]])
        self.vectors = np.stack([year.vectors.get(each, none) for each in year.papers])
        self.pool = Pool(year.candidates, self.vectors[self.rows], year.past)
        self._impacts = self._bm25()
        self._last: tuple[Reader | None, Floats] = None, self.vectors

    def _best(self, scores: Floats) -> list[str]:
        return [self.ids[i] for i in np.argsort(-scores, kind="stable")[:SHOWN]]

    def newest(self, reader: Reader) -> list[str]:
        """Newest first: the data knows years alone, so one order by chance, as a feed has."""
        return self.ids[:SHOWN]

    def _liked(self, reader: Reader) -> list[str]:
        """Return all liked papers, oldest first."""
        liked = {each for interest in reader.interests for each in interest.liked}
        return sorted(liked, key=lambda each: (self.year.papers[each].year or 0, each))

    def _bm25(self) -> csr_matrix:
        """Return (candidates, words) what each word adds: k1 1.2, b .75."""
        counts = self.counts.astype(np.float64).tocsr()
        holders = np.bincount(counts.indices, minlength=counts.shape[1])
        self.idf = np.log1p((counts.shape[0] - holders + 0.5) / (holders + 0.5))
        own = counts[self.rows].tocsr()
        lengths = np.asarray(own.sum(axis=1)).ravel()
        norms = np.repeat(1.2 * (0.25 + 0.75 * lengths / lengths.mean()), np.diff(own.indptr))
        own.data = self.idf[own.indices] * own.data * 2.2 / (own.data + norms)
        return own

    def profile(self, reader: Reader, terms: int = 200) -> list[str]:
        """BM25, asked for the terms of the library with the largest sums of tf-idf; 200 did best
        of 20 to 200 on the readers for development."""
        liked = [self.places[each] for each in self._liked(reader)]
        sums = np.asarray(self.counts[liked].sum(axis=0)).ravel() * self.idf
        query = np.zeros(len(sums))
        query[np.argsort(-sums, kind="stable")[:terms]] = 1.0
        return self._best(self._impacts @ query)

    def _machines(self, reader: Reader) -> Floats:
        """Return (interests, candidates): a linear SVM each, everything else against it."""
        from sklearn.svm import LinearSVC

        if self._last[0] is not reader:
            scores = []
            for interest in reader.interests:
                wanted = np.zeros(len(self.places))
                wanted[[self.places[each] for each in interest.liked]] = 1.0
                machine = LinearSVC(**MACHINE).fit(self.features, wanted)
                scores.append(machine.decision_function(self.features[self.rows]))
            self._last = reader, np.array(scores)
        return self._last[1]

    def machines(self, reader: Reader) -> list[str]:
        """arxiv-sanity-lite: one SVM for each tag, the largest score of a paper counts."""
        return self._best(self._machines(reader).max(axis=0))

    def rounds(self, reader: Reader) -> list[str]:
        """The same machines, shown in rounds as ours are: what that alone does."""
        orders = np.argsort(-self._machines(reader), axis=1, kind="stable")
        dealt = dict.fromkeys(int(i) for place in orders.T for i in place)
        return [self.ids[i] for i in dealt][:SHOWN]

    def mean(self, reader: Reader) -> list[str]:
        """zotero-arxiv-daily: mean similarity to the library, newest first, weights falling by
        1 / (1 + log10(place)), places from 1."""
        liked = [self.places[each] for each in reversed(self._liked(reader))]
        weights = 1 / (1 + np.log10(np.arange(len(liked)) + 1))
        weights = weights / weights.sum()
        return self._best(self.vectors[self.rows] @ (self.vectors[liked].T @ weights) * 10)

    def ours(self, reader: Reader, mix: Mix | None = None) -> list[str]:
        """everygrain_papers.interests.recommend."""
        found = recommend_from(
            self.pool,
            reader.interests,
            self.year.papers,
            self.year.vectors,
            k=SHOWN,
            mix=mix or Mix(),
        )
        return [each.paper.id for each in found]

    def alone(self, reader: Reader) -> list[str]:
        """Ours with its linear model alone, without recent papers and vectors."""
        return self.ours(reader, replace(Mix(), recent=0.0, vectors=0.0))

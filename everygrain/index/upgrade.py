"""A new encoder in front of an old encoder's vectors: search before the re-encode is done.

Some documents are encoded by both encoders; from these a linear map is learned that puts the old
vectors beside the new ones. New queries then find old documents, and a `Reencoding` answers from
new vectors where there are any and from old ones elsewhere.

`Simplex` is the published way: the directions of the classes stay where they are, at the corners
of a regular simplex, while encoders come and go. It needs classes, here the clusters of the old
vectors, and it was shown on images; `Ridge` needs none.

Source: Stationary Representations: Optimally Approximating Compatibility and Implications for
Improved Model Replacements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import unit
from everygrain.errors import InputError
from everygrain.index.compress.base import Vectors, check_size, checked
from everygrain.index.compress.product import k_means, nearest_centroid

Wide = npt.NDArray[np.float64]

LEAST = 30  # documents in both encoders' vectors, from which scores are made comparable
_SAMPLE = 2000
_STEPS = 30


@dataclass(frozen=True, eq=False)
class Translation:
    """Compares vectors of two encoders: cos(A'q, B'd), q of the new one and d of the old one.

    queries     A, (d_new, c) float32
    documents   B, (d_old, c) float32
    """

    queries: Vectors
    documents: Vectors

    def of_queries(self, new: Vectors) -> Vectors:
        """Return (n, c) rows of length 1 or zero."""
        return unit(checked(new, len(self.queries)) @ self.queries)

    def of_documents(self, old: Vectors) -> Vectors:
        """Return (n, c) rows of length 1 or zero."""
        return unit(checked(old, len(self.documents)) @ self.documents)

    def score(self, queries: Vectors, documents: Vectors) -> Vectors:
        """Return float32 (queries, documents), of new queries and old documents."""
        scores: Vectors = self.of_queries(queries) @ self.of_documents(documents).T
        return scores


@runtime_checkable
class Method(Protocol):
    """A way to learn a translation; prints as it is written."""

    def fit(self, old: Vectors, new: Vectors) -> Translation:
        """Learn from the same documents' vectors by both encoders, (n, d_old) and (n, d_new).

        Raises InputError for other numbers of vectors, fewer than two, NaN and infinity.
        """


@dataclass(frozen=True)
class Ridge:
    """B = (X'X + penalty t I)^-1 X'Y: old vectors X become new ones Y; A is the identity.

    t is the mean of X'X's diagonal, so that a penalty means the same for any number of vectors.
    """

    penalty: float = 0.1

    def __repr__(self) -> str:
        return f"ridge({self.penalty:g})"

    def __post_init__(self) -> None:
        if not self.penalty > 0 or not np.isfinite(self.penalty):
            raise InputError(f"A penalty of {self.penalty} makes no sense.", "Use one above 0.")

    def fit(self, old: Vectors, new: Vectors) -> Translation:
        first, second = _both(old, new)
        moments = first.T @ first
        level = max(float(np.trace(moments)) / len(moments), 1e-12)
        moments += self.penalty * level * np.eye(len(moments))
        found = np.linalg.solve(moments, first.T @ second)
        return Translation(np.eye(second.shape[1], dtype=np.float32), found.astype(np.float32))


@dataclass(frozen=True)
class Procrustes:
    """B = U V' with X'Y = U S V': a rotation, and where dimensions differ a cut or an embedding.

    Schonemann, "A Generalized Solution of the Orthogonal Procrustes Problem". Vectors keep their
    lengths and angles where the new encoder has no fewer dimensions.
    """

    def __repr__(self) -> str:
        return "procrustes"

    def fit(self, old: Vectors, new: Vectors) -> Translation:
        first, second = _both(old, new)
        left, _, right = np.linalg.svd(first.T @ second, full_matrices=False)
        turned = (left @ right).astype(np.float32)
        return Translation(np.eye(second.shape[1], dtype=np.float32), turned)


@dataclass(frozen=True)
class Simplex:
    """Each encoder gets a linear head onto the same fixed classifier; heads never see each other.

    classes   K, at most the number of vectors: clusters of the old vectors stand for classes
    penalty   on the squares of the heads, above 0

    The classifier's rows w_1..w_K are the corners of a regular simplex, K - 1 dimensions. A head H
    minimises mean cross-entropy of softmax(scale W H'x) with the classes + penalty |H|^2 / 2.
    """

    classes: int = 128
    penalty: float = 1e-4
    scale: float = 16.0

    def __repr__(self) -> str:
        return f"simplex({self.classes})"

    def __post_init__(self) -> None:
        check_size("classes", self.classes)
        if self.classes < 2:
            raise InputError("One class tells nothing apart.", "Use 2 classes or more.")

    def fit(self, old: Vectors, new: Vectors) -> Translation:
        first, second = _both(old, new)
        check_size("classes", self.classes, len(first))
        rows = first.astype(np.float32)
        centroids = k_means(rows, self.classes, np.random.default_rng(0))
        labels = nearest_centroid(rows, centroids)
        corners = self.scale * simplex(self.classes)
        heads = [_head(each, labels, corners, self.penalty) for each in (second, first)]
        return Translation(*(head.astype(np.float32) for head in heads))


def simplex(classes: int) -> Wide:
    """Return (K, K - 1) rows of length 1, each with dot product -1 / (K - 1) with any other."""
    centred = np.eye(classes) - 1 / classes
    basis = np.linalg.svd(centred)[2][: classes - 1]
    rows = centred @ basis.T
    corners: Wide = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return corners


def _head(rows: Wide, labels: npt.NDArray[np.int64], corners: Wide, penalty: float) -> Wide:
    """Return the (d, K - 1) head of one encoder."""
    from scipy.optimize import minimize

    shape = (rows.shape[1], corners.shape[1])
    found = minimize(
        cross_entropy, np.zeros(shape).ravel(), args=(rows, labels, corners, penalty),
        jac=True, method="L-BFGS-B", options={"maxiter": _STEPS},
    )  # fmt: skip
    head: Wide = found.x.reshape(shape)
    return head


def cross_entropy(
    flat: Wide, rows: Wide, labels: npt.NDArray[np.int64], corners: Wide, penalty: float
) -> tuple[float, Wide]:
    """Return a head's loss and its gradient, both as `minimize` asks for them."""
    head = flat.reshape(rows.shape[1], corners.shape[1])
    logits = rows @ head @ corners.T
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    totals = shares.sum(axis=1, keepdims=True)
    places = np.arange(len(rows)), labels
    loss = float((np.log(totals[:, 0]) - logits[places]).mean() + penalty / 2 * (flat @ flat))
    shares /= totals
    shares[places] -= 1
    gradient = rows.T @ (shares @ corners) / len(rows) + penalty * head
    return loss, gradient.ravel()


@dataclass(frozen=True, eq=False)
class Reencoding:
    """A collection between two encoders.

    old           (n, d_old) float32, every document's vector by the old encoder
    new           (n, d_new) float32, by the new one; rows that are not `done` are not looked at
    done          (n,) bool
    translation   None where there are too few documents to learn one from

    Until LEAST documents are done, queries are answered by the old encoder alone. After that a
    document that is done has its new score q'd. Of one that is not, both the old score and the
    translated one are put on the scale of new scores, for each query,

        m_new + (s - m) * sd_new / sd

    and their mean is taken. m and sd are the mean and standard deviation of s over documents that
    are done, m_new and sd_new those of the same documents' new scores. With nothing done that is
    the old system, with everything done the new one, to the bit.
    """

    old: Vectors
    new: Vectors
    done: npt.NDArray[np.bool_]
    translation: Translation | None = None

    def __post_init__(self) -> None:
        if not len(self.old) == len(self.new) == len(self.done):
            raise InputError(
                f"{len(self.old)} old vectors, {len(self.new)} new ones and {len(self.done)} marks "
                "are not of the same documents.",
                "Give one of each for every document.",
            )

    @classmethod
    def learned(
        cls, old: Vectors, new: Vectors, done: npt.NDArray[np.bool_], method: Method
    ) -> Reencoding:
        """Learn the translation from what is done, where that is LEAST documents or more."""
        able = int(done.sum()) >= LEAST
        return cls(old, new, done, method.fit(old[done], new[done]) if able else None)

    def score(self, old_queries: Vectors, new_queries: Vectors) -> Vectors:
        """Return float32 (queries, n): the same queries encoded by both encoders."""
        if self.done.all() and len(self.done):
            return np.asarray(new_queries @ self.new.T, dtype=np.float32)
        if self.done.sum() < LEAST:
            return np.asarray(old_queries @ self.old.T, dtype=np.float32)
        places = np.flatnonzero(self.done)
        ready = np.asarray(new_queries @ self.new[places].T, dtype=np.float32)
        some = np.linspace(0, len(places) - 1, min(_SAMPLE, len(places))).astype(np.int64)
        rough = [np.asarray(old_queries @ self.old.T, dtype=np.float32)]
        if self.translation is not None:
            rough.append(self.translation.score(new_queries, self.old))
        alike = [on_scale(each, each[:, places[some]], ready[:, some]) for each in rough]
        scores = np.asarray(sum(alike) / len(alike), dtype=np.float32)
        scores[:, places] = ready
        return scores


def on_scale(scores: Vectors, measured: Vectors, target: Vectors) -> Vectors:
    """Shift and stretch each row of scores, so that `measured` gets the spread of `target`.

    scores             (q, n)
    measured, target   (q, m) the same documents' scores before and after
    A row without spread is only shifted.
    """
    before = measured.std(axis=1, keepdims=True, dtype=np.float64)
    after = target.std(axis=1, keepdims=True, dtype=np.float64)
    stretch = np.divide(after, before, out=np.ones_like(before), where=before > 1e-9)
    shifted = scores - measured.mean(axis=1, keepdims=True, dtype=np.float64)
    moved = shifted * stretch + target.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(moved, dtype=np.float32)


def _both(old: Vectors, new: Vectors) -> tuple[Wide, Wide]:
    first, second = checked(old), checked(new)
    if len(first) != len(second):
        raise InputError(
            f"{len(first)} old vectors and {len(second)} new ones are not of the same documents.",
            "Give each document's vector by both encoders, in the same order.",
        )
    if len(first) < 2:
        raise InputError(
            f"A translation cannot be learned from {len(first)} documents.",
            "Encode some hundreds of documents with both encoders.",
        )
    return first.astype(np.float64), second.astype(np.float64)

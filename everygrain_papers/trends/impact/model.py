"""The estimate of a new paper's impact from its title and abstract.

Source: From Words to Worth: Newborn Article Impact Prediction with LLM
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain.errors import InputError, StorageError, StoredIndexError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.impact.calibration import Calibration, calibrate
from everygrain_papers.trends.impact.quality import Quality, quality
from everygrain_papers.trends.impact.ridge import Ridge, Vectors, fit
from everygrain_papers.trends.impact.target import FEWEST_OF_A_COHORT, normalised
from everygrain_papers.trends.impact.texts import COLUMNS, features, rarity, texts_of, weighted
from everygrain_papers.trends.rates import Floats

Encode: TypeAlias = Callable[[Sequence[str]], npt.NDArray[np.float32]]

FORMAT = "everygrain impact 1"
FEWEST_TRAINED = 1_000  # papers with year and citations, in the years that a model is trained on
FEWEST_TESTED = 100  # papers of a year on which a model of the years before is tested
YEARS = 3  # that a model is trained on: older papers speak of other things
FOLDS = 3  # years that are predicted from those before, for calibration and to know how good it is
PENALTY = 3.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The impact of a paper, from 0 to 1, among papers of its year.

    value       expected TNCSI
    low, high   between which the TNCSI of nine of ten papers with such a text lies
    """

    value: float
    low: float
    high: float


class ImpactModel:
    """Ridge regression of normalised citations on words, pairs of words and, if given, vectors.

    The paper fine-tunes a large language model for the same target; this one is linear and trains
    in seconds per year on one core, wherever papers carry citations:

        score = w . tfidf(title, abstract) + v . encode(title, abstract) + level
        value = how papers with such a score fared, when they were new to the model (calibration)

    quality   how well each of the last years was predicted from the years before it, oldest first

    Citations are of one day, so those of past years were not all there when the year after them was
    new: what quality tells is how well texts separate papers of a later year, not what would have
    been known on that day. Nothing of the year that is predicted plays a part: not its citations,
    its texts, its venues or the rarity of its words.
    """

    def __init__(
        self,
        line: Ridge,
        rarities: Floats,
        calibration: Calibration,
        quality: Sequence[Quality],
        encode: Encode | None,
    ) -> None:
        self._line = line
        self._rarities = rarities
        self._calibration = calibration
        self._encode = encode
        self.quality = tuple(quality)

    @classmethod
    def train(
        cls,
        papers: Iterable[Paper],
        *,
        encode: Encode | None = None,
        group_of: Callable[[Paper], str] | None = None,
        years: int = YEARS,
        penalty: float = PENALTY,
        confidence: float = 0.9,
        fewest: int = FEWEST_TRAINED,
    ) -> ImpactModel:
        """Learn from the papers that carry year and citations.

        encode       texts -> (n, dimensions) rows of length 1, such as an Index's encode; None goes
                     without. It is asked for again when the model is loaded
        group_of     the field or venue within which citations are compared; None compares all
                     papers of a year
        years        that each model is trained on, the latest ones
        confidence   of the estimates' intervals

        Raises InputError below `fewest` papers with citations, or without a year of at least 100
        that follows years with `fewest` together: the estimate could not be tested.
        """
        held = [p for p in papers if p.citations is not None and p.year is not None]
        wanted = normalised(held, group_of)
        known = np.flatnonzero(~np.isnan(wanted))
        when = np.array([p.year for p in held], dtype=np.int64)[known]
        tested = [
            year
            for year in np.unique(when).tolist()
            if (when == year).sum() >= FEWEST_TESTED
            and ((when < year) & (when >= year - years)).sum() >= fewest
        ][-FOLDS:]
        if known.size < fewest or not tested:
            raise InputError(
                f"{known.size:,} papers carry year and citations, in years of at least "
                f"{FEWEST_OF_A_COHORT}: too few to learn from the years before and to test on the "
                "year after.",
                f"Read a source with citations: at least {fewest:,} papers of {years} years and "
                f"{FEWEST_TESTED} of the next one are needed.",
            )
        first = min(tested[0] - years, when.max() - years + 1)
        kept = when >= first
        held = [held[each] for each in known[kept]]
        wanted, when = wanted[known[kept]], when[kept]
        rows = features(held)
        vectors = None if encode is None else np.asarray(encode(texts_of(held)), dtype=np.float32)
        scores, targets, told = [], [], []
        for year in tested:
            old = np.flatnonzero((when < year) & (when >= year - years))
            new = np.flatnonzero(when == year)
            line, rarities = _fitted(rows[old], _of(vectors, old), wanted[old], penalty)
            scores.append(line.predict(weighted(rows[new], rarities), _of(vectors, new)))
            targets.append(wanted[new])
            told.append(quality(year, old.size, scores[-1], targets[-1]))
        calibration = calibrate(np.concatenate(scores), np.concatenate(targets), confidence)
        last = np.flatnonzero(when > when.max() - years)
        line, rarities = _fitted(rows[last], _of(vectors, last), wanted[last], penalty)
        return cls(line, rarities, calibration, told, encode)

    def score(self, papers: Sequence[Paper]) -> Floats:
        """Return (n,) raw scores, which rank as the estimates do, more finely."""
        rows = weighted(features(papers), self._rarities)
        vectors = None
        if self._encode is not None:
            vectors = np.asarray(self._encode(texts_of(papers)), dtype=np.float32)
            vectors = vectors.reshape(len(papers), self._line.centre.size)
        return self._line.predict(rows, vectors)

    def estimate(self, papers: Iterable[Paper]) -> dict[str, Estimate]:
        """Return the estimate of each paper, by id."""
        held = list(papers)
        told = self._calibration.of(self.score(held))
        return {
            paper.id: Estimate(float(value), float(low), float(high))
            for paper, value, low, high in zip(held, *told, strict=True)
        }

    def save(self, path: Path) -> None:
        """Write the model to one file (.npz), at once or not at all; StorageError if refused."""
        arrays = {
            "words": self._line.words.astype(np.float32),
            "directions": self._line.directions,
            "centre": self._line.centre,
            "rarities": self._rarities.astype(np.float32),
            **{f"calibration_{name}": value for name, value in vars(self._calibration).items()},
        }
        told = {
            "format": FORMAT,
            "level": self._line.level,
            "quality": [asdict(each) for each in self.quality],
        }
        waiting = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(waiting, "wb") as file:
                text = json.dumps(told).encode("utf-8")
                np.savez_compressed(file, told=np.frombuffer(text, dtype=np.uint8), **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(waiting, path)
        except OSError as error:
            with suppress(OSError):
                waiting.unlink(missing_ok=True)
            raise StorageError(
                f"The impact model cannot be written to {path} ({error.strerror}).",
                "Make room, or allow writing there.",
            ) from error

    @classmethod
    def load(cls, path: Path, encode: Encode | None = None) -> ImpactModel:
        """Read what `save` wrote; `encode` must be the one that it was trained with.

        Raises InputError if there is no such file, or if vectors are wanted and not given or the
        other way round; StoredIndexError if it is damaged.
        """
        if not path.is_file():
            raise InputError(f"There is no impact model at {path}.", "Train one first.")
        try:
            with np.load(path, allow_pickle=False) as kept:
                told = json.loads(kept["told"].tobytes())
                line = Ridge(
                    kept["words"].astype(np.float64),
                    kept["directions"],
                    kept["centre"],
                    float(told["level"]),
                )
                rarities = kept["rarities"].astype(np.float64)
                calibration = Calibration(
                    *(kept[f"calibration_{name}"] for name in ("scores", "values", "low", "high"))
                )
            tested = [Quality(**each) for each in told["quality"]]
            if told["format"] != FORMAT or {line.words.shape, rarities.shape} != {(COLUMNS,)}:
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise StoredIndexError(
                f"The impact model at {path} is damaged, or of another version.", "Train it anew."
            ) from error
        if (line.centre.size > 0) != (encode is not None):
            raise InputError(
                "The impact model was trained "
                + ("with vectors." if line.centre.size else "without vectors."),
                "Give the encoder it was trained with." if line.centre.size else "Give no encoder.",
            )
        return cls(line, rarities, calibration, tested, encode)


def _of(vectors: Vectors | None, rows: npt.NDArray[np.int64]) -> Vectors | None:
    return None if vectors is None else vectors[rows]


def _fitted(
    rows: csr_matrix, vectors: Vectors | None, wanted: Floats, penalty: float
) -> tuple[Ridge, Floats]:
    rarities = rarity(rows)
    return fit(weighted(rows, rarities), vectors, wanted, penalty), rarities

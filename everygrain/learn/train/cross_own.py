"""A small cross-encoder for a collection, trained on the collection alone: no labels, two cores.

First sets of representative words (B-PROP), with a quarter of the budget; then titles and cloze
sentences, each with its own text against texts that a retriever takes for it, and one by lot.

Source: B-PROP: Bootstrapped Pre-training with Representative Words Prediction for Ad-hoc Retrieval.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.negatives.mined import Mined
from everygrain.learn.pairs.base import PairSource
from everygrain.learn.pairs.cloze import Cloze
from everygrain.learn.pairs.title import Title
from everygrain.learn.pairs.words import RepresentativeWords
from everygrain.learn.train.cross import CrossTraining, Hinge, train_cross
from everygrain.learn.train.cross_contests import (
    Contest,
    Show,
    against_negatives,
    bare,
    titled,
    word_sets,
)
from everygrain.learn.train.cross_matching import Matching
from everygrain.learn.train.cross_start import Start
from everygrain.learn.train.fine_tuning import Progress
from everygrain.rank.base import Retriever
from everygrain.rank.cross import CrossEncoderScorer

PASSAGE = 200  # words of a text
MOST = 12_000  # documents that take part
TOKENS = 112
_NEAR = 30  # ranks that the wrong texts are drawn from
_WRONG = 3
_HELD_OUT = 0.1
_FOR_WORDS = 0.25  # of the budget


@dataclass(frozen=True)
class OwnCross:
    """A cross-encoder that was trained on a collection.

    contests   that trained it
    tested     contests that took no part
    won        share of those in which the right text scores highest, in [0, 1]
    chance     the share that guessing would win
    """

    scorer: CrossEncoderScorer
    contests: int
    tested: int
    won: float
    chance: float


def train_own(
    documents: Sequence[Document],
    leg: Retriever,
    folder: Path,
    *,
    contests: int = 4000,
    words: int = 2000,
    budget: float | None = None,
    seed: int = 0,
    start: Start | None = None,
    progress: Callable[[str, Progress], None] | None = None,
) -> OwnCross:
    """Train a cross-encoder on documents and save it to a folder.

    leg        a retriever of these documents; what it finds is what the model learns to tell apart
    contests   half of them of titles, half of sentences, where there are both; at least 2
    words      contests of sets of words before them; 0 for none
    budget     seconds of training; None for as long as it takes, some minutes on two cores
    start      `Matching()` without it
    progress   called after every step, with what is trained on: "words" or "texts"

    Raises InputError for a folder that holds something else than a model, and where the documents
    give fewer than 20 contests; and what `train_cross` raises.
    """
    _check_folder(folder)
    if contests < 2 or words < 0:
        raise InputError(
            f"{contests} contests and {words} of words train nothing.", "Give 2 or more, and 0."
        )
    lot = random.Random(seed)
    chosen = sorted(documents, key=lambda document: document.id)
    lot.shuffle(chosen)
    chosen = chosen[:MOST]
    known = own_contests(chosen, leg, contests, lot)
    if len(known) < 20:
        raise InputError(
            f"The documents give {len(known)} titles and sentences to train on.",
            "Add documents with titles, or with some sentences each.",
        )
    held = max(1, min(600, round(_HELD_OUT * len(known))))
    tested, known = known[:held], known[held:]
    began: Start | CrossEncoderScorer = start or Matching()
    sets = list(word_sets(RepresentativeWords(passage=PASSAGE), chosen)) if words else []
    lot.shuffle(sets)
    with tempfile.TemporaryDirectory() as work:
        if sets:
            began = train_cross(
                sets[:words],
                Path(work) / "words",
                start=began,
                loss=Hinge(),
                settings=_settings(8, 96, seed, budget, _FOR_WORDS),
                progress=None if progress is None else lambda told: progress("words", told),
            )
        scorer = train_cross(
            known,
            folder,
            start=began,
            settings=_settings(6, TOKENS, seed, budget, 1 - _FOR_WORDS if sets else 1.0),
            progress=None if progress is None else lambda told: progress("texts", told),
        )
    won = sum(int(scorer.score_pairs(each.pairs).argmax()) == 0 for each in tested)
    chance = sum(1 / len(each.pairs) for each in tested) / held
    return OwnCross(scorer, len(known), held, won / held, chance)


def own_contests(
    documents: Sequence[Document], leg: Retriever, count: int, lot: random.Random
) -> list[Contest]:
    """Return at most `count` contests, in the order of a lot.

    The right text stands against three drawn from the first 30 that the leg finds, and one of the
    whole collection.
    """
    sources: list[tuple[PairSource, Show]] = [(Cloze(), titled(PASSAGE))]
    if any(document.title.strip() for document in documents):
        sources.append((Title(passage=PASSAGE), bare(PASSAGE)))
    found: list[Contest] = []
    for source, show in sources:
        pairs = list(source.pairs(documents))
        lot.shuffle(pairs)
        pairs = pairs[: count // len(sources)]
        near = Mined(leg, from_rank=1, to_rank=_NEAR, most=_NEAR).find(pairs, documents)
        ids = []
        for pair, close in zip(pairs, near.ids, strict=True):
            drawn = [*lot.sample(close, min(_WRONG, len(close))), lot.choice(documents).id]
            own = (pair.positive_id, pair.query_id)
            ids.append(tuple(dict.fromkeys(each for each in drawn if each not in own)))
        found += against_negatives(pairs, Negatives(tuple(ids)), documents, show)
    lot.shuffle(found)
    return found


def _check_folder(folder: Path) -> None:
    """Raise InputError for a folder that a model must not replace."""
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / "config.json").is_file()):
        return
    if folder.exists():
        raise InputError(
            f"{folder} holds something else than a cross-encoder.",
            "Name a folder that is new, empty, or of a cross-encoder to be replaced.",
        )


def _settings(
    batch: int, tokens: int, seed: int, budget: float | None, share: float
) -> CrossTraining:
    seconds = None if budget is None else share * budget
    return CrossTraining(batch=batch, learning_rate=3e-4, tokens=tokens, seed=seed, budget=seconds)

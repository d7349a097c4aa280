"""`adapt`: train an encoder on an index's own text, and take it only if a test says it helped.

The index in service is not touched until the decision: training works on a copy of the texts, and
old and new encoder are tested in small indexes of their own. A promotion swaps in one commit and
keeps the former encoder for `rollback`. What was trained waits on disk until the decision, and the
report until the swap is whole: the call after an interrupt goes on where the other stopped.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Document, Ranking
from everygrain.encode import registry
from everygrain.encode.base import Encoder, WordEncoder
from everygrain.engine import Index
from everygrain.errors import InputError, LockedError, QueryError, StorageError, StoredIndexError
from everygrain.index.encoders import encoder_folder
from everygrain.index.files import storage_errors
from everygrain.index.writer import writer
from everygrain.learn import waiting
from everygrain.learn.candidate import Candidate, train
from everygrain.learn.gate import Decision, Trial, decide
from everygrain.learn.held_out import Questions, divide, questions
from everygrain.learn.pairs import parse_source
from everygrain.learn.recipe import Recipe
from everygrain.learn.report import Report
from everygrain.learn.teaching import Told
from everygrain.learn.waiting import Waiting, training_name
from everygrain.measure.collections import Collection
from everygrain.measure.measures import evaluate
from everygrain.rank.lexical import BM25

BUDGET = 600.0
FEWEST_DOCUMENTS = 100
WORK = "adaptation"
_SEARCHED = 10_000
_SEARCHED_SLOWLY = 1_500
_DEPTH = 10
_PATIENCE = 600.0  # seconds that a promotion waits for another writer to end


@dataclass(frozen=True)
class Adaptation:
    """What an adaptation came to; `report` is the folder with report.json and report.html."""

    decision: Decision
    report: Path

    @property
    def promoted(self) -> bool:
        return self.decision.promoted


def adapt(
    index: Index,
    recipe: Recipe | None = None,
    *,
    encoder: str = "static",
    budget: float = BUDGET,
    judged: Sequence[Collection] = (),
    train_encoder: Callable[..., Any] = train,
    told: Told | None = None,
) -> Adaptation:
    """Train an encoder on the documents of an index and promote it if the gate lets it pass.

    encoder   what to train: "static", "minilm" or "transformer:FOLDER"
    budget    seconds for teaching and training together, roughly; the tests come on top
    judged    collections over these very documents, whose judged queries test as well
    told      called with what is being done, how much of it is done, and how much there is

    Raises InputError for a collection too small to hold out queries, or without any; whatever is
    raised, or an interrupt, leaves the index as it was, and the same call goes on where it
    stopped. An interrupt right after the swap leaves the new encoder serving, without a weight of
    its own in the fused result and without a report: the next call makes both.
    """
    if not (isfinite(budget) and budget > 0):
        raise QueryError(f"A budget of {budget} seconds.", "Give a number above 0.")
    documents = sorted(index.documents(), key=lambda document: document.id)
    if len(documents) < FEWEST_DOCUMENTS:
        raise InputError(
            f"The index in {index.folder} holds {len(documents)} documents.",
            f"Adapt a collection of at least {FEWEST_DOCUMENTS}: fewer cannot be tested on.",
        )
    learned, kept = divide(documents)
    settled = (recipe or Recipe()).settled(learned)
    folder = index.folder / WORK
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
    key = training_name(encoder, settled, learned, budget)
    ended = _end_a_swap(index, folder, key)
    if ended is not None:
        return ended
    old = index.store.encoder
    trained = _trained(
        folder, key, index.store.fingerprint,
        lambda: train_encoder(
            old, encoder, learned, settled, budget=budget, folder=folder, told=told
        ),
    )  # fmt: skip
    made = trained.candidate
    begun = monotonic()
    fast = all(isinstance(each, WordEncoder | None) for each in (old, made.encoder))
    most = _SEARCHED if fast else _SEARCHED_SLOWLY
    asked = [judged_questions(each, documents) for each in judged]
    for name in settled.test:
        source = parse_source(name)
        asked.append(questions(source, kept, learned, queries=settled.queries, documents=most))
    asked = [each for each in asked if each.queries]
    trials = list[Trial]()
    for i, each in enumerate(asked):
        if told:
            told("Testing", i, len(asked))
        before, after = answered(each, old, index), answered(each, made.encoder, index)
        trials += [
            Trial(each.source, leg, before[leg], after[leg])
            for leg in ("dense", "served") if leg in before and leg in after
        ]  # fmt: skip
    decision = decide(trials)
    report = Report(
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder,
        old=old.fingerprint if old else None,
        new=made.encoder.fingerprint,
        recipe=settled,
        documents=len(documents),
        pairs=made.pairs.counts,
        taught=made.taught,
        curve=made.curve,
        decision=decision,
        domains=made.domains,
        seconds={
            "budget": budget,
            "training": round(trained.seconds),
            "testing": round(monotonic() - begun),
        },
    )
    waiting.write_report(folder, report)
    if decision.promoted:
        if told:
            told("Swapping", 0, 1)
        promote(index, made.encoder, old)
    waiting.publish(folder)
    shutil.rmtree(folder / "model", ignore_errors=True)
    return Adaptation(decision, folder)


def _trained(folder: Path, key: str, old: str | None, training: Callable[[], Candidate]) -> Waiting:
    """Return the candidate that an interrupted call of this key left, or train and keep it."""
    left = waiting.waiting_in(folder)
    if left is not None and (left.key, left.old) == (key, old):
        return left
    begun = monotonic()
    made = Waiting(key, old, training(), monotonic() - begun)
    try:
        waiting.keep(folder, made)
    except StorageError:  # without room to wait it is tested all the same
        return made
    return waiting.waiting_in(folder) or made


def _end_a_swap(index: Index, folder: Path, key: str) -> Adaptation | None:
    """End what a call that was cut off right after a swap left undone: the weighing, the report.

    Returns what that call came to, if it is the one of this key.
    """
    serving = index.store.fingerprint
    if serving is not None and index.store.setting("fusion") is None:
        index.weigh()
    left, decision = waiting.waiting_in(folder), waiting.decided(folder)
    if left is None or decision is None or not decision.promoted:
        return None
    if left.candidate.encoder.fingerprint != serving:
        return None
    waiting.publish(folder)
    return Adaptation(decision, folder) if left.key == key else None


def judged_questions(collection: Collection, documents: Sequence[Document]) -> Questions:
    """Return a user's judged queries as questions. Raises InputError if they know no document."""
    known = {document.id for document in documents}
    grades = {
        query: {d: g for d, g in judged.items() if d in known}
        for query, judged in collection.judgements.items()
        if query in collection.queries
    }
    if not any(grades.values()):
        raise InputError(
            f"The judgements of '{collection.name}' name no document of the index.",
            "Give judgements of the index's own documents, by their ids.",
        )
    asked = {query: collection.queries[query] for query, judged in grades.items() if judged}
    chosen = {query: grades[query] for query in asked}
    return Questions(f"judged: {collection.name}", list(documents), asked, chosen)


def answered(
    asked: Questions, encoder: Encoder | None, like: Index
) -> dict[str, npt.NDArray[np.float64]]:
    """Return (queries,) nDCG@10 of the dense leg, if any, and of what is served, in a small index.

    like   the index whose language, stemming and lengths of passages, and BM25, are used
    """
    settings = like.store.setting("analyzer")
    with (
        tempfile.TemporaryDirectory() as name,
        closing(
            Index(
                Path(name) / "index",
                encoder if encoder is not None else "none",
                language=settings["language"],
                stemmer=settings["stemmer"],
                stop_words=settings["stop_words"],
                bm25=BM25(**like.store.setting("bm25")),
                passage_words=like.store.setting("passage_words"),
            )
        ) as small,
    ):
        small.add(asked.documents)
        if encoder is None:
            return {"served": _values(small, "lexical", asked)}
        found = {"dense": _values(small, "dense", asked)}
        found["served"] = _values(small, "hybrid", asked)
    return found


def _values(small: Index, system: str, asked: Questions) -> npt.NDArray[np.float64]:
    ranking = small.retriever(system).retrieve(asked.queries, _DEPTH + 1)
    if asked.asked_by:  # a document does not answer a question that it asks another
        rows = [
            (query, document, score)
            for query, document, score in ranking.rows()
            if document != asked.asked_by[query] or asked.judgements[query].get(document)
        ]
        ranking = Ranking.of(list(asked.queries), rows)
    if not len(ranking):  # a leg that knows no word of any query
        return np.zeros(len(asked.judgements))
    return evaluate(ranking, asked.judgements, [f"nDCG@{_DEPTH}"]).of(f"nDCG@{_DEPTH}")


def promote(index: Index, encoder: Encoder, old: Encoder | None) -> None:
    """Swap an encoder in and remember the former one, in one commit.

    Waits up to ten minutes for another writer, so that a training is not lost to an addition.
    Raises InputError if the index no longer has the old encoder, which is what the tests compared
    with; LockedError if the other writer goes on.
    """
    until = monotonic() + _PATIENCE
    while True:
        try:
            with writer(index.store) as write:
                now = _serving(index)
                if now["fingerprint"] != (old.fingerprint if old else None):
                    raise InputError(
                        f"The encoder of the index in {index.folder} was replaced while another "
                        "was trained.",
                        "Run it again, to test against the new one; the index serves as before.",
                    )
                write.set_encoder(encoder, "adapted", former=now)
                index.store.use_encoder(None)  # the training's files go; the index has its own
                index._weigh(write)
            return
        except LockedError:
            if monotonic() > until:
                raise
            sleep(1.0)


def _serving(index: Index) -> dict[str, str | None]:
    return {"fingerprint": index.store.fingerprint, "spec": index.store.setting("encoder_spec")}


def rollback(index: Index) -> str:
    """Return to the encoder before the last promotion; the one it leaves can be returned to too.

    Returns the fingerprint of the encoder that serves again.
    Raises InputError where nothing was promoted.
    """
    store = index.store
    former = store.setting("former_encoder")
    if not former:
        raise InputError(
            f"No encoder of the index in {index.folder} was ever replaced by an adaptation.",
            "There is nothing to roll back.",
        )
    restored: Encoder | None = None
    if former["fingerprint"] is not None:
        folder = encoder_folder(index.folder, former["fingerprint"])
        if not folder.exists():
            name = "NAME" if former["spec"] in ("adapted", "given") else former["spec"]
            raise StoredIndexError(
                f"The former encoder {former['fingerprint']} is no longer in {index.folder}.",
                f"Run `everygrain reencode {index.folder} --encoder {name}`.",
            )
        restored = registry.load(folder)
    with writer(store) as write:
        write.set_encoder(restored, former["spec"], former=_serving(index))
        if restored is not None:
            index._weigh(write)
    return restored.fingerprint if restored else "none"

"""Documents and a recipe -> a trained encoder, within a budget of time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import numpy as np

from everygrain.document import Document
from everygrain.encode import registry
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.cache import Cached
from everygrain.encode.distil import static_table, with_words
from everygrain.encode.static import Static, document_frequencies
from everygrain.encode.transformer import Transformer
from everygrain.encode.tuned import Tuned
from everygrain.errors import InputError, QueryError
from everygrain.index.files import storage_errors
from everygrain.index.vectors import joined_words, passage_text, split_fields
from everygrain.learn.installed import need_torch
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import Collected, Pair, collect, parse_source
from everygrain.learn.pairs.parts import body, first_passage, sentences
from everygrain.learn.recipe import Recipe
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import FineTuning, Progress
from everygrain.learn.train.static import StaticTraining, Taught, train_static, training_key

MOST_PAIRS = 200_000
_TEACHING = 0.4  # share of the budget that the teacher may take
_TRAINING = 0.4
_FIT_ON = 20_000
DIMENSIONS = 384  # of a trained table; 256 lose about .01 nDCG@10 on scifact and scisumm
_LEAST_SEEN = 3  # documents that hold a word, before it gets a vector of its own
_AT_ONCE = 256
_SHORTEST = 4
_PASSAGE = 256
_TURNS = 10
_TURNS_TAUGHT = 4
_LOOKED_AT = 4_000
_CHECKPOINT, _TAUGHT = "checkpoint", "taught.json"

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Candidate:
    """An encoder that has been trained, and how.

    curve   (kind of step, loss) of each step; a transformer's has steps of pairs alone
    """

    encoder: Encoder
    pairs: Collected
    taught: int
    curve: list[tuple[str, float]] = field(default_factory=list)


def train(
    base: Encoder | None,
    kind: str,
    documents: Sequence[Document],
    recipe: Recipe,
    *,
    budget: float,
    folder: Path,
    told: Told | None = None,
) -> Candidate:
    """Train an encoder on documents.

    base      the encoder of the index, gone on from if it is of that kind
    kind      "static" or "minilm", or "transformer:FOLDER"
    recipe    settled
    budget    seconds for all of it, roughly
    folder    for checkpoints and for a transformer's files
    told      called with what is being done, how much of it is done, and how much there is

    Raises InputError where the recipe's sources give fewer than two pairs, ModelError without
    torch.
    """
    need_torch("Training an encoder")
    pairs = collect([parse_source(each) for each in recipe.train], documents, MOST_PAIRS)
    if len(pairs.pairs) < 2:
        raise InputError(
            f"The collection gives {len(pairs.pairs)} training pairs.",
            "Add documents with titles or several sentences, or name other sources in a recipe.",
        )
    if kind == "static":
        return _static(base, documents, recipe, pairs, budget, folder, told)
    if kind == "minilm" or kind.startswith("transformer:"):
        return _transformer(base, kind, recipe, pairs, budget, folder, told)
    raise QueryError(
        f"The encoder '{kind}' cannot be trained.", "Use static, minilm or transformer:FOLDER."
    )


def _static(
    base: Encoder | None, documents: Sequence[Document], recipe: Recipe, pairs: Collected,
    budget: float, folder: Path, told: Told | None,
) -> Candidate:  # fmt: skip
    begun = monotonic()
    start = _start(base, documents, recipe)
    left = max(budget * _TEACHING - (monotonic() - begun), 1.0)
    taught = _teach(documents, recipe, left, told, folder)
    count = len(pairs.pairs) + (len(taught.texts) if taught else 0)
    batch = max(min(recipe.batch, count // 16), 16)
    steps = max(count / batch, 1.0)
    settings = StaticTraining(
        epochs=max(recipe.epochs, recipe.fewest_steps / steps),
        batch=batch,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        budget=budget * _TRAINING,
    )
    loss = parse_loss(recipe.loss)
    key = training_key(start, pairs.pairs, loss, taught, settings)
    made = train_static(
        start, pairs.pairs, loss=loss, taught=taught, settings=settings,
        checkpoint=Checkpoint(folder / _CHECKPOINT, key), on_progress=_training(told),
    )  # fmt: skip
    (folder / _TAUGHT).unlink(missing_ok=True)
    adapted = Adapted(
        made.encoder, taught is not None or (isinstance(base, Adapted) and base.taught)
    )
    return Candidate(adapted, pairs, len(taught.texts) if taught else 0, made.curve)


def _start(base: Encoder | None, documents: Sequence[Document], recipe: Recipe) -> Static:
    """Return the static encoder that training starts from.

    An adapted one goes on from its vectors, with the weights of words of these documents: its own
    have counted those that questions are held out from. Any other is fitted to these documents,
    with vectors of its own for their words.
    """
    chosen = _sampled(documents, _FIT_ON, recipe.seed)
    words = joined_words(*split_fields(chosen))
    if isinstance(base, Adapted):
        return base.fit(words).static
    table = base.unfolded() if isinstance(base, Static) else static_table()
    if recipe.words and recipe.teacher == "minilm":
        frequency = document_frequencies(words)
        order = np.argsort(-frequency, kind="stable")
        frequent = [
            words.vocabulary[i]
            for i in order
            if frequency[i] >= _LEAST_SEEN and words.vocabulary[i].isalpha()
        ]
        several = np.diff(table.pieces(frequent)[1]) > 1
        own = [word for word, cut in zip(frequent, several, strict=True) if cut]
        table = with_words(table, own[: recipe.words])
    return Static(table, {}).fit(words, DIMENSIONS)


def _teach(
    documents: Sequence[Document], recipe: Recipe, budget: float, told: Told | None, folder: Path
) -> Taught | None:
    """Ask the teacher about as many texts as the budget allows.

    A training that goes on from its checkpoint is taught as many as before: more, which a cache
    would give in the same time, would make another training of it.
    """
    if not recipe.teacher or not recipe.taught:
        return None
    teacher = registry.create(recipe.teacher)
    if teacher is None:
        return None
    # titles, passages and sentences alike, of fewer documents where there are many
    chosen = _sampled(documents, max(recipe.taught // _TURNS_TAUGHT, 1), recipe.seed)
    texts = texts_to_teach(chosen, recipe.taught)
    texts.sort(key=lambda text: _drawn(text, recipe.seed))  # a budget that ends cuts all kinds
    key = _digest([recipe.teacher, *texts])
    before = _count_before(folder, key)
    if before is not None:
        texts, budget = texts[:before], float("inf")
    found, begun = list[Vectors](), monotonic()
    for start in range(0, len(texts), _AT_ONCE):
        if found and monotonic() - begun > budget:
            break
        found.append(teacher.encode(texts[start : start + _AT_ONCE]))
        if told:
            told("Asking the teacher", min(start + _AT_ONCE, len(texts)), len(texts))
    count = sum(len(part) for part in found)
    with storage_errors(folder):
        (folder / _TAUGHT).write_text(json.dumps({"key": key, "count": count}), encoding="utf-8")
    return Taught(texts[:count], np.concatenate(found)) if count > 1 else None


def _count_before(folder: Path, key: str) -> int | None:
    """Return how many of these texts an interrupted training was taught; None if none was."""
    if not (folder / _CHECKPOINT).exists():
        return None
    try:
        told = json.loads((folder / _TAUGHT).read_text(encoding="utf-8"))
        return int(told["count"]) if told["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(texts: Sequence[str]) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()


def texts_to_teach(documents: Sequence[Document], most: int) -> list[str]:
    """Return titles, first passages and, turn by turn, sentences: each once, `most` at most."""
    texts: dict[str, None] = {}
    for turn in range(_TURNS):
        for document in documents:
            if turn == 0:
                text = document.title.strip()
            elif turn == 1:
                text = first_passage(passage_text(document, 0, len(document.text)), _PASSAGE)
            else:
                text = _sentence(document, turn - 2)
            if len(text.split()) >= _SHORTEST:
                texts.setdefault(text)
            if len(texts) >= most:
                return list(texts)
    return list(texts)


def _sentence(document: Document, place: int) -> str:
    whole = body(document)[:_LOOKED_AT]
    spans = sentences(whole)
    return whole[slice(*spans[place])] if place < len(spans) else ""


def _transformer(
    base: Encoder | None, kind: str, recipe: Recipe, pairs: Collected, budget: float,
    folder: Path, told: Told | None,
) -> Candidate:  # fmt: skip
    from everygrain.learn.train.transformer import fine_tune

    inner = base.encoder if isinstance(base, Cached) else base
    start = Transformer("minilm" if kind == "minilm" else kind.partition(":")[2])
    if isinstance(inner, Tuned):
        start = Transformer(str(inner.folder))
    # the table's rate would destroy a transformer: only a small one was meant for it
    rate = recipe.learning_rate if recipe.learning_rate < 1e-3 else 2e-5
    settings = FineTuning(
        learning_rate=rate, batch=min(recipe.batch, 32), budget=budget * 0.7, seed=recipe.seed
    )
    curve: list[tuple[str, float]] = []
    show = _training(told)

    def stepped(progress: Progress) -> None:
        curve.append(("pairs", progress.loss))
        if show:
            show(progress)

    chosen = _shuffled(pairs.pairs, recipe.seed)
    fine_tune(chosen, parse_loss(recipe.loss), folder / "model", settings=settings, base=start,
              progress=stepped)  # fmt: skip
    return Candidate(Tuned(folder / "model"), pairs, 0, curve)


def _training(told: Told | None) -> Callable[[Progress], None] | None:
    if told is None:
        return None
    return lambda progress: told("Training", progress.step, progress.steps)


def _sampled(documents: Sequence[Document], most: int, seed: int) -> list[Document]:
    """Return `most` documents, chosen by their ids, so that their order does not matter."""
    return sorted(documents, key=lambda document: _drawn(document.id, seed))[:most]


def _shuffled(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    return sorted(pairs, key=lambda pair: _drawn(pair.query_id + pair.query, seed))


def _drawn(text: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest()

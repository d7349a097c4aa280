"""Documents and a recipe -> a trained encoder, within a budget of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

import numpy as np

from everygrain.document import Document
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import Encoder, WordEncoder
from everygrain.encode.cache import Cached
from everygrain.encode.distil import static_table, with_words
from everygrain.encode.experts import StaticExperts
from everygrain.encode.static import Static, document_frequencies
from everygrain.encode.transformer import Transformer
from everygrain.encode.tuned import Tuned
from everygrain.errors import InputError, QueryError
from everygrain.index.vectors import joined_words, split_fields
from everygrain.learn.beginning import Beginning, beginning_name, begun, forget
from everygrain.learn.by_domain import Grouping, group
from everygrain.learn.installed import need_torch
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import Collected, Pair, collect, parse_source
from everygrain.learn.recipe import Recipe
from everygrain.learn.teaching import CHECKPOINT, TAUGHT, Told, drawn, sampled, teach
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.fine_tuning import FineTuning, Progress
from everygrain.learn.train.static import StaticTraining, train_static, training_key
from everygrain.learn.train.static_experts import train_with_experts

MOST_PAIRS = 200_000
_TEACHING = 0.4  # share of the budget that the teacher may take
_TRAINING = 0.4
_FIT_ON = 20_000
DIMENSIONS = 384  # of a trained table; 256 lose about .01 nDCG@10 on scifact and scisumm
_LEAST_SEEN = 3  # documents that hold a word, before it gets a vector of its own


@dataclass(frozen=True, eq=False)
class Candidate:
    """An encoder that has been trained, and how.

    curve     (kind of step, loss) of each step; a transformer's has steps of pairs alone
    domains   of the documents that trained
    """

    encoder: Encoder
    pairs: Collected
    taught: int
    curve: list[tuple[str, float]] = field(default_factory=list)
    domains: Grouping = field(default_factory=Grouping)


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

    Raises InputError where the recipe's sources give fewer than two pairs or its field no domain,
    or where it asks for experts of a transformer; ModelError without torch.
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
        return _transformer(base, kind, documents, recipe, pairs, budget, folder, told)
    raise QueryError(
        f"The encoder '{kind}' cannot be trained.", "Use static, minilm or transformer:FOLDER."
    )


def _static(
    base: Encoder | None, documents: Sequence[Document], recipe: Recipe, pairs: Collected,
    budget: float, folder: Path, told: Told | None,
) -> Candidate:  # fmt: skip
    clock = monotonic()

    def beginning() -> Beginning:
        fitted = _start(base, documents, recipe)
        return Beginning(group(recipe, documents, fitted), fitted)

    first = begun(folder, beginning_name("static", base, documents, recipe), beginning)
    assert first.encoder is not None
    start, domains = first.encoder, first.domains
    left = max(budget * _TEACHING - (monotonic() - clock), 1.0)
    taught = teach(documents, recipe, left, told, folder)
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
    grouped = domains.divides and (recipe.by_domain or recipe.experts)
    of_pairs = domains.of_pairs(pairs.pairs) if grouped else None
    key = training_key(start, pairs.pairs, loss, taught, settings, of_pairs)
    checkpoint = Checkpoint(folder / CHECKPOINT, f"{key} {recipe.experts and grouped}")
    was_taught = taught is not None or (isinstance(base, Adapted | StaticExperts) and base.taught)
    trained: Encoder
    if recipe.experts and of_pairs is not None:
        with_experts = train_with_experts(
            start, pairs.pairs, of_pairs, loss=loss, taught=taught, settings=settings,
            checkpoint=checkpoint, on_progress=_training(told),
        )  # fmt: skip
        trained = replace(with_experts.encoder, taught=was_taught)
        curve = with_experts.curve
    else:
        made = train_static(
            start, pairs.pairs, loss=loss, taught=taught, settings=settings, domains=of_pairs,
            checkpoint=checkpoint, on_progress=_training(told),
        )  # fmt: skip
        trained, curve = Adapted(made.encoder, was_taught), made.curve
    (folder / TAUGHT).unlink(missing_ok=True)
    forget(folder)
    return Candidate(trained, pairs, len(taught.texts) if taught else 0, curve, domains)


def _start(base: Encoder | None, documents: Sequence[Document], recipe: Recipe) -> Static:
    """Return the static encoder that training starts from.

    An adapted one goes on from its vectors, with the weights of words of these documents: its own
    have counted those that questions are held out from. Any other is fitted to these documents,
    with vectors of its own for their words.
    """
    chosen = sampled(documents, _FIT_ON, recipe.seed)
    words = joined_words(*split_fields(chosen))
    if isinstance(base, StaticExperts):
        base = Adapted(base.shared)
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


def _transformer(
    base: Encoder | None, kind: str, documents: Sequence[Document], recipe: Recipe,
    pairs: Collected, budget: float, folder: Path, told: Told | None,
) -> Candidate:  # fmt: skip
    from everygrain.learn.train.transformer import fine_tune

    if recipe.experts:
        raise InputError(
            f"The recipe asks for experts, which '{kind}' cannot have.",
            "Train them in a static table (--encoder static), or set experts to false.",
        )
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
    domains = begun(
        folder, beginning_name(kind, base, documents, recipe),
        lambda: Beginning(group(recipe, documents, _fast(base, documents, recipe))),
    ).domains  # fmt: skip
    grouped = recipe.by_domain and domains.divides
    fine_tune(chosen, parse_loss(recipe.loss), folder / "model", settings=settings, base=start,
              domains=domains.of_pairs(chosen) if grouped else None,
              progress=stepped)  # fmt: skip
    forget(folder)
    return Candidate(Tuned(folder / "model"), pairs, 0, curve, domains)


def _fast(base: Encoder | None, documents: Sequence[Document], recipe: Recipe) -> WordEncoder:
    """Return an encoder that tells documents apart in seconds: that of the index, or `static`."""
    if isinstance(base, WordEncoder):
        return base
    chosen = sampled(documents, _FIT_ON, recipe.seed)
    return Static(static_table(), {}).fit(joined_words(*split_fields(chosen)))


def _training(told: Told | None) -> Callable[[Progress], None] | None:
    if told is None:
        return None
    return lambda progress: told("Training", progress.step, progress.steps)


def _shuffled(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    return sorted(pairs, key=lambda pair: drawn(pair.query_id + pair.query, seed))

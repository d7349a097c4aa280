"""What pairs and mined negatives do to the dense leg of a static table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pairs_collections import Exact, Target, papers, scisumm_linked, written
from pairs_training import train, train_towards

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.negatives import Control, Margin, Mined, WrongField, same_text
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.pairs.definitions import (
    Definitions,
    entry_space,
    isotropy,
    progressive,
)
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test


def compared(name: str, what: str, after: Any, before: Any, **more: Any) -> dict[str, Any]:
    test = randomisation_test(after, before, samples=10_000)
    gap = bca_interval(after - before, samples=2_000)
    row = {
        "target": name, "what": what, "before": float(before.mean()), "after": float(after.mean()),
        "difference": test.difference, "low": gap.low, "high": gap.high, "p": test.p,
        "queries": test.queries, **more,
    }  # fmt: skip
    print(row, flush=True)
    return row


TEXTS = (
    "title", "cloze", "body_first", "words", "itself", "itself(grain='passage')", "definitions",
    "synonyms", "glosses",
)  # fmt: skip

Store = Callable[[list[dict[str, Any]]], None]


def effects(wordnet: str, store: Store, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the pairs of each source do to the dense leg; store what is there so far.

    rows   of an earlier run: what they tell is not measured again
    """
    known = {(row["target"], row["what"]) for row in rows}
    all_papers, linked = papers(), scisumm_linked()
    for name in ("cranfield", "scifact", "scisumm"):
        target = Target(name)
        before = target.values(target.base)
        own = linked if name == "scisumm" else target.documents
        runs = [(kind, "own", own) for kind in TEXTS]
        if name == "scisumm":
            runs = [(kind, "own", own) for kind in ("links", "cocitation", "body_first", "title")]
        runs += [(kind, "papers", all_papers) for kind in ("attributes", "attributes(asks='both')")]
        for kind, where, documents in runs:
            if (name, f"{kind}, pairs of {where}") in known:
                continue
            try:
                found = collect([parse_source(written(kind, wordnet))], documents, 15_000)
            except InputError as error:
                print(name, kind, error, flush=True)
                continue
            started = time.perf_counter()
            trained = train(target.base, found.pairs)
            row = compared(
                name, f"{kind}, pairs of {where}", target.values(trained), before,
                pairs=len(found.pairs), seconds=time.perf_counter() - started,
            )  # fmt: skip
            rows.append(row)
            store(rows)
        if name != "scisumm" and (name, TOWARDS.format("two rounds")) not in known:
            for row in entries(target, before, own, wordnet):
                rows.append(row)
                store(rows)
    return rows


TOWARDS = "definitions towards entry vectors, {}"


def entries(
    target: Target, before: Any, documents: Sequence[Document], wordnet: str
) -> Iterator[dict[str, Any]]:
    """Return what training towards entry vectors does, as they are, isotropic, and in rounds."""
    try:
        found = list(Definitions(wordnet).definitions(documents))
    except InputError as error:
        print(error)
        return
    for label, strength in (("as they are", 0.0), ("quasi-isotropic", 0.25), ("isotropic", 0.5)):
        space = entry_space(target.base, found, strength)
        trained = train_towards(target.base, found, space)
        yield compared(
                target.name, TOWARDS.format(label),
                target.values(trained), before, pairs=len(found), isotropy=isotropy(space.vectors),
            )  # fmt: skip
    trained, spaces = progressive(
        target.base, found, lambda space: train_towards(target.base, found, space)
    )
    yield compared(
            target.name, TOWARDS.format("two rounds"),
            target.values(trained), before, pairs=len(found), isotropy=isotropy(spaces[-1].vectors),
        )  # fmt: skip


def negatives(store: Store) -> list[dict[str, Any]]:
    """Return what mined negatives add to title pairs with in-batch negatives."""
    rows: list[dict[str, Any]] = []
    for name in ("cranfield", "scifact"):
        here = list[dict[str, Any]]()
        for row in with_negatives(Target(name)):
            here.append(row)
            store(rows + here)
        for row, p in zip(here, holm([row["p"] for row in here]), strict=True):
            row["p_holm"] = float(p)
        rows += here
        store(rows)
    return rows


def with_negatives(target: Target) -> Iterator[dict[str, Any]]:
    """Yield what each way to mine does, on one collection."""
    documents, base = target.documents, target.base
    pairs = collect([parse_source("title")], documents).pairs
    ids = tuple(each.id for each in documents)
    whole = Exact(base, ids, base.encode([f"{each.title} {each.text}" for each in documents]))
    titles = Exact(base, ids, base.encode([each.title for each in documents]))
    texts = Exact(base, ids, base.encode([each.text for each in documents]))
    same = same_text(documents)
    alone = target.values(train(base, pairs, same))
    margin = Control(Margin(relative=0.95), base, same)
    for label, source in {
        "mined, ranks 1-50": Mined(whole, most=2, control=Control(same=same)),
        "mined, ranks 1-50, below .95 of the positive": Mined(whole, most=2, control=margin),
        "mined, ranks 11-50, below .95 of the positive": Mined(whole, 11, most=2, control=margin),
        "wrong field: titles, not texts": WrongField(
            titles, texts, most=2, control=Control(same=same)
        ),
        "wrong field, below .95 of the positive": WrongField(titles, texts, most=2, control=margin),
    }.items():
        found = source.find(pairs, documents)
        trained = train(base, pairs, same, (found.ids, documents))
        yield compared(
                target.name, label,
                target.values(trained), alone, pairs=len(pairs),
                negatives=sum(map(len, found.ids)), refused=dict(found.refused),
            )  # fmt: skip

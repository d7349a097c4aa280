"""The names that a composition may use, the settings that each takes, and what makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from everygrain.errors import QueryError
from everygrain.rank.base import Reranker, Retriever

if TYPE_CHECKING:
    from everygrain.rank.compose.making import Making

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """A stage, or what stands around a system.

    does       what it does, in a few words
    settings   name -> the kind of its value: float, int, str or bool
    needed     settings that must be given
    depth      candidates that a stage asks for, at least
    of_dense   whether it reads scores of the dense leg, and none else
    make       of a stage: (making, settings) -> Reranker; of what stands around a system:
               (making, retriever, settings) -> Retriever
    """

    does: str
    settings: Mapping[str, type] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    make: Callable[..., Any] = field(default=lambda *_: None, repr=False, compare=False)
    of_dense: bool = False
    depth: int = 100


def _late(making: Making, given: Given) -> Reranker:
    from everygrain.rank.words_leg import Late

    return Late(making.views, **given)


def _pairwise(making: Making, given: Given) -> Reranker:
    from everygrain.rank.llm.pairwise import Pairwise

    return Pairwise(**_asking(making, given))


def _listwise(making: Making, given: Given) -> Reranker:
    from everygrain.rank.llm.listwise import Listwise

    told = _asking(making, given)
    if told.pop("full", False):
        told["window"] = None
    return Listwise(**told)


def _setwise(making: Making, given: Given) -> Reranker:
    from everygrain.rank.llm.setwise import Setwise

    return Setwise(**_asking(making, given))


def _cross(making: Making, given: Given) -> Reranker:
    from everygrain.rank.base import PairScorer
    from everygrain.rank.cross import Cross, CrossEncoderScorer
    from everygrain.rank.extract import ExtractThenScore, QueryWeighted, Rarity

    told = dict(given)
    scorer: PairScorer = CrossEncoderScorer(told.pop("model"), tokens=told.pop("tokens", 0))
    words = told.pop("words", 0)
    if words:
        with making.views.newest() as view:
            scorer = ExtractThenScore(scorer, QueryWeighted(Rarity.of_view(view), words=words))
    return Cross(scorer, making.fetch, **told)


def _cutoff(making: Making, given: Given) -> Reranker:
    from everygrain.rank.cutoff.named import create

    if len(given) > 1:
        raise QueryError(
            "A cut-off is conformal or goes by probability.", "Give conformal= or probability=."
        )
    spec = "adapted"
    for name, value in given.items():
        spec = f"conformal:{value}" if name == "conformal" else f"adapted:{value}"
    with making.views.newest() as view:
        return create(spec, view.store.setting("cutoffs"), view.encoder)


def _hubness(making: Making, given: Given) -> Reranker:
    from everygrain.rank.banks import current
    from everygrain.rank.hubness import Hubness
    from everygrain.segment.sentences import Sentences

    with making.views.newest() as view:
        banks = current(view, Sentences(view.analyzer.language))
    if banks is None:
        raise QueryError(
            "No document of the index has a title or sentences to make a bank of.",
            "Leave hubness out.",
        )
    return Hubness(making.views, banks, **given)


def _asking(making: Making, given: Given) -> dict[str, Any]:
    told = dict(given)
    return {"endpoint": making.endpoint(told.pop("model")), "fetch": making.fetch, **told}


def _rm3(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.feedback import RM3

    return RM3(retriever, **given)  # type: ignore[arg-type]  # it refuses what is no leg


def _neighbours(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.neighbours import Neighbours

    return Neighbours(retriever, **given)  # type: ignore[arg-type]


def _reasoned(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.reasoning import Reasoned

    told = dict(given)
    return Reasoned(retriever, making.endpoint(told.pop("model")), **told)


def _rewritten(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.rewrites import Rewritten

    told = dict(given)
    return Rewritten(retriever, making.endpoint(told.pop("model")), **told)


_MODEL: dict[str, type] = {"model": str, "depth": int, "at_once": int}
_WORDS: dict[str, type] = {"documents": int, "terms": int, "original": float}

STAGES: Mapping[str, Form] = {
    "late": Form(
        "whole words of query and document compared one by one",
        {"share": float, "exact": bool}, make=_late,
    ),
    "cross": Form(
        "a cross-encoder reads query and text together; of long texts the best `words` for it",
        {"model": str, "depth": int, "weight": float, "tokens": int, "words": int}, ("model",),
        _cross,
    ),
    "hubness": Form(
        "lowers documents that are near to everything",
        {"beta_queries": float, "beta_documents": float, "dynamic": bool, "hub_at": int},
        make=_hubness, of_dense=True,
    ),
    "cutoff": Form(
        "ends the list where relevance ends, by probability, or by an error rate (conformal)",
        {"probability": float, "conformal": float}, make=_cutoff, of_dense=True, depth=1_000,
    ),
    "pairwise": Form(
        "a language model compares two at a time",
        {**_MODEL, "method": str, "mode": str, "passes": int, "top": int}, ("model",), _pairwise,
    ),
    "listwise": Form(
        "a language model orders windows, or all at once with full=true",
        {**_MODEL, "window": int, "step": int, "passes": int, "full": bool}, ("model",), _listwise,
    ),
    "setwise": Form(
        "a language model chooses the best of a few",
        {**_MODEL, "method": str, "size": int, "top": int}, ("model",), _setwise,
    ),
}  # fmt: skip

AROUND: Mapping[str, Form] = {
    "rm3": Form(
        "adds words of what a leg finds first", {**_WORDS, "mu": float}, make=_rm3
    ),
    "neighbours": Form("adds words of texts with near titles", _WORDS, make=_neighbours),
    "reasoned": Form(
        "appends a language model's reasoning to the query",
        {"model": str, "repeat": int}, ("model",), _reasoned,
    ),
    "rewritten": Form(
        "fuses what a language model's rewrites find", {"model": str, "count": int}, ("model",),
        _rewritten,
    ),
}  # fmt: skip

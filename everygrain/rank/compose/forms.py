"""The names that a composition may use, the settings that each takes, and what makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
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


def _evidence(making: Making, given: Given) -> Reranker:
    from everygrain.encode import registry
    from everygrain.encode.evidence import Localiser
    from everygrain.encode.static import Static
    from everygrain.rank.cross import Cross
    from everygrain.rank.localised import Localised
    from everygrain.segment.sentences import Sentences

    told = dict(given)
    folder = told.pop("model", None)
    with making.views.newest() as view:
        encoder, sentences = view.encoder, Sentences(view.analyzer.language)
    words = encoder if isinstance(encoder, Static) else registry.create("static")
    if not isinstance(words, Static):
        raise QueryError("The encoder 'static' is no table of words.", "Leave evidence out.")
    if folder is None:
        localiser = Localiser.untrained(encoder, words)
    else:
        localiser = Localiser.load(Path(folder), encoder, words)
    return Cross(Localised(localiser, sentences), making.fetch, **told)


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


def _sentences(making: Making, given: Given) -> Reranker:
    from everygrain.rank.grains import AtGrain
    from everygrain.segment.sentences import Sentences

    with making.views.newest() as view:
        encoder, sentences = view.encoder, Sentences(view.analyzer.language)
    return AtGrain("sentence", encoder, making.fetch, sentences, **{"share": 0.5, **given})


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
    told = _paid(given)
    return {"endpoint": making.endpoint(told.pop("model")), "fetch": making.fetch, **told}


def _paid(given: Given) -> dict[str, Any]:
    """Return settings with prices and bounds as what language models' parts take."""
    from everygrain.endpoint import Budget
    from everygrain.rank.llm.spent import Prices

    told = dict(given)
    prompt, completion = told.pop("prompt_price", None), told.pop("completion_price", None)
    if (prompt is None) != (completion is None):
        raise QueryError(
            "One price is given, of prompts or of completions.",
            "Give both, prompt_price= and completion_price=, in USD for a million tokens.",
        )
    calls, money = told.pop("calls", None), told.pop("money", None)
    if money is not None and prompt is None:
        raise QueryError(
            "A bound in money was given, but no prices.",
            "Give prompt_price= and completion_price=, in USD for a million tokens.",
        )
    if prompt is not None:
        told["prices"] = Prices(prompt, completion)
    if calls is not None or money is not None:
        told["budget"] = Budget(calls=calls, money=money)
    return told


def _rm3(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.feedback import RM3

    return RM3(retriever, **given)  # type: ignore[arg-type]  # it refuses what is no leg


def _neighbours(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.neighbours import Neighbours

    return Neighbours(retriever, **given)  # type: ignore[arg-type]


def _cur(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.anchors import current
    from everygrain.rank.cross import CrossEncoderScorer
    from everygrain.rank.cur import Cur
    from everygrain.rank.cur_retriever import CurRetriever

    told = dict(given)
    scorer = CrossEncoderScorer(told.pop("model"), tokens=told.pop("tokens", 0))
    calls = told.pop("calls", 200)
    with making.views.newest() as view:
        documents, known = current(view, scorer, making.where)
    return CurRetriever(scorer, documents, Cur(known, **told), calls, retriever)


def _reasoned(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.reasoning import Reasoned

    told = _paid(given)
    return Reasoned(retriever, making.endpoint(told.pop("model")), **told)


def _rewritten(making: Making, retriever: Retriever, given: Given) -> Retriever:
    from everygrain.rank.expand.rewrites import Rewritten

    told = _paid(given)
    return Rewritten(retriever, making.endpoint(told.pop("model")), **told)


_PAID: dict[str, type] = {
    "prompt_price": float, "completion_price": float, "calls": int, "money": float,
}  # fmt: skip
_MODEL: dict[str, type] = {"model": str, "depth": int, "at_once": int, **_PAID}
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
    "evidence": Form(
        "a document stands where its sentence that answers best does",
        {"model": str, "depth": int, "weight": float}, make=_evidence,
    ),
    "sentences": Form(
        "the best sentence's similarity beside the whole document's",
        {"share": float, "temperature": float}, make=_sentences, of_dense=True,
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
    "cur": Form(
        "the whole collection under a cross-encoder that is asked about some of it",
        {"model": str, "calls": int, "tokens": int, "share": float, "leading": float,
         "rounds": int, "ridge": float}, ("model",), _cur,
    ),
    "reasoned": Form(
        "appends a language model's reasoning to the query",
        {"model": str, "repeat": int, **_PAID}, ("model",), _reasoned,
    ),
    "rewritten": Form(
        "fuses what a language model's rewrites find",
        {"model": str, "count": int, **_PAID}, ("model",), _rewritten,
    ),
}  # fmt: skip

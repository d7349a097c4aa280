"""What a typed query is asked with: an instruction before it, or what is going on around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everygrain.engine import Index

_BY_VECTORS = {"dense", "hybrid", "rrf", "late"}  # late reranks what hybrid finds
_MEAN = 1.0  # of the event beside the query: the best share on training papers


def ask_with(
    index: Index,
    instruction: str | None,
    context: str | None,
    system: str | None,
    cutoff: str | None,
) -> None:
    """Let queries of an open index be encoded with an instruction, or with a context.

    Documents keep their vectors and nothing is written. Raises QueryError where both are given,
    where nothing that is asked reads a query's vector, and beside a cut-off.
    """
    if not (instruction or context):
        return
    from everygrain.encode.base import Encoder
    from everygrain.encode.context import Context
    from everygrain.encode.instructions import Instructed, Use
    from everygrain.errors import QueryError
    from everygrain.rank.compose import parse

    if instruction and context:
        raise QueryError(
            "Both --instruction and --context are given.",
            "Give one of them: the fusion with a context compares words one by one, which no "
            "instruction belongs before.",
        )
    option = "--instruction" if instruction else "--context"
    composition = None if system is None else parse(system)
    if cutoff is not None or (composition is not None and "cutoff" in composition.stages()):
        raise QueryError(
            f"A cut-off is asked for beside {option}.",
            "Give one of them: cut-offs are calibrated on queries as they are.",
        )
    if composition is not None and not _BY_VECTORS & composition.legs():
        raise QueryError(
            f"The system '{system}' does not read the vector of a query, which is all that "
            f"{option} changes.",
            "Use dense, hybrid, rrf, late or a composition with one of them.",
        )
    if index.store.setting("encoder_spec") == "none":
        raise QueryError(
            f"The index in {index.folder} has no vectors, which {option} needs.",
            f"Run `everygrain reencode {index.folder} --encoder NAME`.",
        )
    with index.views.newest() as view:
        inner = view.encoder
    asking: Encoder
    if instruction:
        uses = {"asked": Use(query=instruction)}
        asking = Instructed(inner, uses, use="asked").queries_alone()
    else:
        asking = Context.untrained(inner, share=_MEAN).about(context or "")
    index.store.use_encoder(asking)

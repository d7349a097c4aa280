"""What a trainer minimises: one file per published loss, each a value with a name.

>>> str(parse_loss("multiple_negatives(scale=30, symmetric=False)"))
'multiple_negatives(scale=30, symmetric=False)'
"""

from __future__ import annotations

import ast
from dataclasses import fields
from typing import Any

from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss
from everygrain.learn.losses.consistency import GenerationConsistency
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.decoupled import DecoupledSoftmax, SoftTopK
from everygrain.learn.losses.distilled import DistilledSentenceEmbedding
from everygrain.learn.losses.divergence import Divergence, StabilisedDistillation
from everygrain.learn.losses.feedback import GradesAndPairs, Thumbs
from everygrain.learn.losses.importance import ImportanceAware
from everygrain.learn.losses.margins import MarginMSE
from everygrain.learn.losses.mixup import MetricMixup
from everygrain.learn.losses.orthogonal import OrthogonalProjection
from everygrain.learn.losses.policy import PolicyGradient
from everygrain.learn.losses.progressive import ProgressiveNegatives
from everygrain.learn.losses.temperatures import IndividualTemperatures

LOSSES: dict[str, type[Any]] = {
    loss.name: loss
    for loss in (
        MultipleNegatives,
        DecoupledSoftmax,
        SoftTopK,
        IndividualTemperatures,
        ProgressiveNegatives,
        MarginMSE,
        DistilledSentenceEmbedding,
        Divergence,
        StabilisedDistillation,
        ImportanceAware,
        PolicyGradient,
        OrthogonalProjection,
        GenerationConsistency,
        MetricMixup,
        Thumbs,
        GradesAndPairs,
    )
}

__all__ = ["LOSSES", "Batch", "LearnedLoss", "Loss", "parse_loss"]


def parse_loss(text: str) -> Loss:
    """Read a loss as it is written: a name, and settings in brackets where not the defaults.

    The name is that of LOSSES, or of the class: `str` and `repr` of a loss are both read.
    Raises InputError for an unknown name or setting, listing those that exist, and for a setting
    of the wrong kind or out of range.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise _unreadable(text) from None
    call = node if isinstance(node, ast.Call) else None
    named = call.func if call else node
    if not isinstance(named, ast.Name):
        raise _unreadable(text)
    known = LOSSES | {loss.__name__: loss for loss in LOSSES.values()}
    if named.id not in known:
        raise InputError(
            f"There is no loss '{named.id}'.", f"The losses are {', '.join(sorted(LOSSES))}."
        )
    made = known[named.id]
    settings = {each.name: each.default for each in fields(made) if each.init}
    if call and call.args:
        raise InputError(
            f"A setting of '{text.strip()}' has no name.", f"Write {named.id}(setting=value)."
        )
    given = {}
    for keyword in call.keywords if call else ():
        if keyword.arg not in settings:
            raise InputError(
                f"{named.id} has no setting '{keyword.arg}'.", f"It has {', '.join(settings)}."
            )
        default = settings[keyword.arg]
        given[keyword.arg] = _value(named.id, keyword.arg, keyword.value, type(default))
    loss: Loss = made(**given)
    return loss


def _value(loss: str, name: str, node: ast.expr, kind: type) -> Any:
    """Return a written setting as the kind of its default."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InputError(
            f"The setting {name} of {loss} is '{ast.unparse(node)}'.",
            f"Give it as {'a number' if kind is float else kind.__name__}.",
        )
    return value


def _unreadable(text: str) -> InputError:
    return InputError(
        f"'{text}' is not a loss.",
        f"Write a name, or name(setting=value). The losses are {', '.join(sorted(LOSSES))}.",
    )

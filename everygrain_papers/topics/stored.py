"""A fitted model in a folder: arrays as safetensors, all else as JSON; nothing in it is code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError, ModelError

FORM = 1
Arrays: TypeAlias = Mapping[str, npt.NDArray[Any]]
Told: TypeAlias = Mapping[str, Any]
Model = TypeVar("Model")


def write(folder: str | Path, name: str, arrays: Arrays, told: Told) -> None:
    """Write `name`.safetensors and `name`.json; those of an older model there are replaced.

    The JSON holds the digest of the arrays, so that halves of two models are told apart.
    Raises InputError if the folder cannot be written.
    """
    from safetensors.numpy import save

    packed = save({key: np.ascontiguousarray(each) for key, each in arrays.items()})
    described = {"form": FORM, "digest": hashlib.sha256(packed).hexdigest(), **told}
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.safetensors.new").write_bytes(packed)
        text = json.dumps(described, ensure_ascii=False)
        (target / f"{name}.json.new").write_text(text, encoding="utf-8")
        for ending in ("safetensors", "json"):
            (target / f"{name}.{ending}.new").replace(target / f"{name}.{ending}")
    except OSError as error:
        raise InputError(
            f"The folder {target} cannot be written ({error}).", "Choose another one."
        ) from None


def read(folder: str | Path, name: str, of_parts: Callable[[Arrays, Told], Model]) -> Model:
    """Return what `of_parts` makes of the files of `write`.

    Raises ModelError for files that are missing, damaged, of another form or of two models.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    source = Path(folder)
    try:
        told = json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
        packed = (source / f"{name}.safetensors").read_bytes()
        if told["form"] != FORM:
            raise ValueError("it is of another version")
        if told["digest"] != hashlib.sha256(packed).hexdigest():
            raise ValueError("its two files do not belong together")
        arrays = load(packed)
        if not all(np.isfinite(each).all() for each in arrays.values()):
            raise ValueError("it holds values that are not finite")
        return of_parts(arrays, told)
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, SafetensorError,
    ) as error:  # fmt: skip
        raise ModelError(
            f"The {name} kept in {source} are missing or damaged ({error!r}).", "Make them again."
        ) from error


def check_shapes(*expected: tuple[npt.NDArray[Any], tuple[int, ...]]) -> None:
    """Raise ValueError unless each array has the shape beside it."""
    for array, shape in expected:
        if array.shape != shape:
            raise ValueError(f"an array has the shape {array.shape} in place of {shape}")

"""The encoders that an index keeps: each in a folder of its own, loaded when it is first used."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from safetensors import SafetensorError, safe_open

from everygrain.errors import EncoderMismatchError
from everygrain.index.files import storage_errors, sync_folder, sync_tree


class Kept(Protocol):
    """What an index asks of anything that it encodes with: an Encoder or a BagEncoder."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def save(self, folder: Path) -> None: ...


E = TypeVar("E", bound=Kept)
DESCRIPTIONS = ("encoder.json", "words.json")


def encoder_folder(folder: Path, fingerprint: str) -> Path:
    """Return where an index keeps an encoder."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in fingerprint)
    told = hashlib.blake2b(fingerprint.encode(), digest_size=4).hexdigest()
    return folder / "encoders" / f"{safe[:80]}-{told}"


def is_kept(folder: Path, fingerprint: str) -> bool:
    """Tell whether an index holds the files of an encoder, or of a word encoder."""
    kept = encoder_folder(folder, fingerprint)
    return any((kept / name).exists() for name in DESCRIPTIONS)


def unreadable(folder: Path, fingerprint: str) -> str:
    """Say what is wrong with the files of a kept encoder; "" where all can be read.

    Loads no model: descriptions are parsed, and arrays mapped.
    """
    for file in sorted(encoder_folder(folder, fingerprint).rglob("*")):
        try:
            if file.suffix == ".json":
                told = json.loads(file.read_text(encoding="utf-8"))
                if file.name in DESCRIPTIONS and not (isinstance(told, dict) and "kind" in told):
                    return f"{file.name} does not say what it is"
            elif file.suffix == ".safetensors":
                with safe_open(file, framework="numpy"):
                    pass
        except (OSError, ValueError, SafetensorError) as error:
            return f"{file.name} cannot be read ({error})"
    return ""


def keep_encoder(index: Path, encoder: Kept) -> None:
    """Save an encoder in an index, whole or not at all, where it is not there already."""
    if is_kept(index, encoder.fingerprint):
        return
    folder = encoder_folder(index, encoder.fingerprint)
    made = folder.with_name(f".{uuid.uuid4().hex[:8]}")
    with storage_errors(folder):
        try:
            made.mkdir(parents=True)
            encoder.save(made)
            sync_tree(made)
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
            sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


class Loading(Generic[E]):
    """The encoder of one leg of an index, loaded when it is first asked for.

    load     reads what the encoder's `save` wrote
    option   of `everygrain reencode`, which puts another one in its place
    """

    def __init__(self, index: Path, load: Callable[[Path], E], option: str) -> None:
        self.index = index
        self.load = load
        self.option = option
        self._held: E | None = None

    def get(self, fingerprint: str | None) -> E | None:
        """Return the encoder of a fingerprint; None for None.

        Raises EncoderMismatchError if what is kept or installed is another.
        """
        if fingerprint is None:
            return None
        if self._held is None or self._held.fingerprint != fingerprint:
            loaded = self.load(encoder_folder(self.index, fingerprint))
            check_fingerprint(self.index, fingerprint, loaded, self.option)
            self._held = loaded
        return self._held

    def use(self, encoder: E | None) -> None:
        """Hold an encoder that was just made or given, so that it need not be loaded."""
        self._held = encoder


def check_fingerprint(index: Path, expected: str, encoder: Kept, option: str) -> None:
    """Raise EncoderMismatchError unless an encoder is the one that a leg was built with."""
    if encoder.fingerprint != expected:
        raise EncoderMismatchError(
            f"The index in {index} was built with the encoder {expected}, "
            f"but the one at hand is {encoder.fingerprint}.",
            f"Use the encoder it was built with, or run `everygrain reencode INDEX {option} NAME` "
            "to build new vectors beside the old and swap them in.",
        )

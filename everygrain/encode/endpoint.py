"""The vectors of an OpenAI-compatible service: a model that runs elsewhere, or beside."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.encode.base import Kind, Vectors, unit
from everygrain.endpoint import Endpoint
from everygrain.errors import ModelError

_BATCH = 64
_SPEC = re.compile(r"(?:endpoint:)?(?P<model>.+?)@(?P<url>https?://.+)", re.IGNORECASE)


def endpoint_of(spec: str) -> Endpoint:
    """Return the endpoint that `endpoint:MODEL@URL` names. Raises ModelError if it is not that."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise ModelError(
            "The encoder's name is not endpoint:MODEL@URL.",
            "An example: endpoint:bge-small@http://127.0.0.1:8080/v1.",
        )
    return Endpoint(match["url"], match["model"])


@dataclass(frozen=True)
class EndpointEncoder:
    """The encoder `endpoint:MODEL@URL`.

    dimensions        length of the service's vectors
    query_prompt      what is put before a query, as many models want it
    document_prompt   what is put before a document

    A service may give a text other last bits in another batch. Wrapped in
    `everygrain.encode.cache.Cached`, as the registry does, a text keeps the vector it got first.
    """

    endpoint: Endpoint
    dimensions: int
    query_prompt: str = ""
    document_prompt: str = ""

    def __post_init__(self) -> None:
        if not self.endpoint.is_bare:
            raise ModelError(
                "The address of an encoder holds credentials or a query, which the index would "
                "keep for every reader.",
                f"Leave them out, and put the key in {self.endpoint.key_variable}.",
            )

    @classmethod
    def connect(
        cls, spec: str | Endpoint, query_prompt: str = "", document_prompt: str = ""
    ) -> EndpointEncoder:
        """Ask the service once for the length of its vectors.

        Raises ModelError if the name is not endpoint:MODEL@URL or the service does not answer.
        """
        endpoint = endpoint_of(spec) if isinstance(spec, str) else spec
        cls(endpoint, 0)  # an address that may not be kept is not asked either
        vector = endpoint.embed(["dimensions"])[0]
        return cls(endpoint, len(vector), query_prompt, document_prompt)

    @cached_property
    def fingerprint(self) -> str:
        """Covers model, host and path, dimensions and prompts; the service may still change."""
        place = self.endpoint.address.split("://", 1)[1]
        told = [self.endpoint.model, place, self.dimensions]
        told += [self.query_prompt, self.document_prompt]
        digest = hashlib.blake2b(json.dumps(told).encode(), digest_size=6).hexdigest()
        name = re.sub(r"[^A-Za-z0-9._]+", "-", self.endpoint.model).strip("-.")
        return f"endpoint-{name[:60]}-{self.dimensions}-{digest}"

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        """Raises ModelError also when the service's vectors have changed their length."""
        prompt = self.query_prompt if kind == "query" else self.document_prompt
        places: dict[str, list[int]] = {}
        for i, text in enumerate(texts):
            if text.strip():
                places.setdefault(text, []).append(i)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        told = list(places)
        for start in range(0, len(told), _BATCH):
            batch = told[start : start + _BATCH]
            rows = self.endpoint.embed([prompt + text for text in batch])
            if len(rows[0]) != self.dimensions:
                raise ModelError(
                    f"The model '{self.endpoint.model}' at {self.endpoint.address} now gives "
                    f"vectors of {len(rows[0])} dimensions, where it gave {self.dimensions}.",
                    "Serve the model that the index was built with, or encode the index anew with "
                    "`everygrain reencode`.",
                )
            for text, row in zip(batch, unit(np.array(rows)), strict=True):
                vectors[places[text]] = row
        return vectors

    def save(self, folder: Path) -> None:
        """Write what `load` needs. The name of the key's variable is not kept: see there."""
        described = {
            "kind": "endpoint",
            "url": self.endpoint.address,
            "model": self.endpoint.model,
            "dimensions": self.dimensions,
            "query_prompt": self.query_prompt,
            "document_prompt": self.document_prompt,
            "timeout": self.endpoint.timeout,
            "retries": self.endpoint.retries,
        }
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> EndpointEncoder:
        """Rebuild what `save` wrote, without asking the service.

        The key is always that of EVERYGRAIN_API_KEY: an index from elsewhere could name an
        address of its own and any variable of the reader's.
        Raises ModelError if the description is damaged.
        """
        kinds: dict[str, Any] = {"url": str, "model": str, "dimensions": int, "query_prompt": str}
        kinds |= {"document_prompt": str, "timeout": (int, float), "retries": int}
        if not all(isinstance(described.get(name), kind) for name, kind in kinds.items()):
            raise ModelError(
                f"The encoder kept in {folder} is damaged: encoder.json lacks what it needs.",
                "Run `everygrain reencode INDEX --encoder NAME` to put a new one in its place.",
            )
        endpoint = Endpoint(
            described["url"],
            described["model"],
            timeout=described["timeout"],
            retries=described["retries"],
        )
        return cls(
            endpoint,
            described["dimensions"],
            described["query_prompt"],
            described["document_prompt"],
        )

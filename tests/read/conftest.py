"""What every test here does: write some bytes, read them, keep what came and what was rejected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from everygrain.document import Document
from everygrain.read import Reject, read

Reading = Callable[..., tuple[list[Document], list[Reject]]]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    def write_and_read(name: str, content: bytes | str, format: str | None = None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        rejects: list[Reject] = []
        return list(read(path, format=format, on_reject=rejects.append)), rejects

    return write_and_read

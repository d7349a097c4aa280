"""What an interrupted training goes on from, and a folder that is replaced whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everygrain.errors import StorageError


@dataclass(frozen=True)
class Checkpoint:
    """The state of one training, in one file beside the folder that it will fill.

    path   the file; it is written beside itself and moved into place, so it is never half
    key    names the data, the settings and the model; the state of another training is not read
    """

    path: Path
    key: str

    @classmethod
    def beside(cls, folder: Path, key: str) -> Checkpoint:
        return cls(folder.parent / f".{folder.name}.checkpoint", key)

    def write(self, state: dict[str, Any]) -> None:
        """Keep a state of numbers, strings and tensors. Raises StorageError if the disk refuses."""
        import torch

        part = self.path.with_name(f"{self.path.name}.part")
        try:
            torch.save({"key": self.key, **state}, part)
            os.replace(part, self.path)
        except (OSError, RuntimeError) as error:  # torch tells of a full disk by a RuntimeError
            part.unlink(missing_ok=True)
            raise _refused(self.path, error) from error

    def read(self) -> dict[str, Any] | None:
        """Return the state of this training; None where there is none, or not a readable one."""
        import torch

        try:
            state: dict[str, Any] = torch.load(self.path, weights_only=True)
        except Exception:  # a damaged file raises whatever its bytes happen to mean
            return None
        return state if isinstance(state, dict) and state.get("key") == self.key else None

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill; on leaving it without an error it takes the folder's place.

    Until then, and after any error, the folder is what it was. A process that was killed between
    the two renames leaves the former folder as `.NAME.former`; `recover` puts it back.
    Raises StorageError if the disk refuses.
    """
    from safetensors import SafetensorError

    recover(folder)
    made: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        yield made
        former = _former(folder)
        if folder.exists():
            os.rename(folder, former)
        try:
            os.rename(made, folder)
        except OSError:
            if former.exists():
                os.rename(former, folder)
            raise
        shutil.rmtree(former, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        raise _refused(folder, error) from error
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put the former folder back where a replacement was cut off in the middle."""
    former = _former(folder)
    if former.exists() and not folder.exists():
        os.rename(former, folder)


def _former(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.former"


def _refused(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"The disk refused to write {path} ({error}).",
        "Free some space, or name another folder, and run it again: training goes on from the "
        "last checkpoint, and the former model is untouched.",
    )

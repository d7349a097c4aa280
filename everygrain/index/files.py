"""Arrays on disk: one safetensors file per leg of a segment, written whole, mapped for reading."""

from __future__ import annotations

import errno
import json
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from everygrain.errors import StorageError, StoredIndexError

Arrays = dict[str, npt.NDArray[Any]]

REBUILD = "Run `everygrain doctor INDEX --repair`: it rebuilds the segment from the stored texts."

_TYPES = {
    "F32": np.float32, "F16": np.float16, "F64": np.float64, "I64": np.int64, "I32": np.int32,
    "I8": np.int8, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32,
}  # fmt: skip


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a disk into a StorageError with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            problem, remedy = "the disk is full", "Free some space and run the command again"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            problem, remedy = "writing is not permitted", "Give write permission, or copy the index"
        elif error.errno == errno.EIO:
            problem, remedy = "the disk reports an error", "Check the disk"
        else:
            raise
        raise StorageError(
            f"Cannot write to {path}: {problem}.",
            f"{remedy}; everything committed before is kept.",
        ) from error


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Make all files in a folder durable."""
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(folder))


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> int:
    """Write arrays to a file, durably. Returns its size in bytes. Raises StorageError.

    A file of that name is replaced, not written into: a reader may still have it mapped.
    """
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    made = path.with_name(f".{path.name}")
    with storage_errors(path):
        with open(made, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    return len(content)


def read_arrays(path: Path) -> Arrays:
    """Map a file that `write_arrays` wrote; nothing is read until it is used.

    Raises FileNotFoundError if it is not there, StoredIndexError if it is cut or damaged.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < 8:
            raise damaged(path)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        arrays, end = _mapped_arrays(mapped)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise damaged(path) from None
    if end != size:
        raise damaged(path)
    return arrays


def _mapped_arrays(mapped: mmap.mmap) -> tuple[Arrays, int]:
    """Return the arrays that a file's header tells of, and where the last of them ends."""
    first = 8 + int.from_bytes(mapped[:8], "little")
    arrays: Arrays = {}
    last = first
    for name, entry in json.loads(mapped[8:first]).items():
        if name == "__metadata__":
            continue
        start, end = (first + offset for offset in entry["data_offsets"])
        kind = np.dtype(_TYPES[entry["dtype"]])
        flat = np.frombuffer(mapped, kind, (end - start) // kind.itemsize, start)
        arrays[name] = flat.reshape(entry["shape"])
        last = max(last, end)
    return arrays, last


def damaged(path: Path) -> StoredIndexError:
    """Return the error for a segment's file that is not what was written."""
    return StoredIndexError(
        f"The file {path.name} of segment {path.parent.name} is damaged.", REBUILD
    )


def missing(path: Path) -> StoredIndexError:
    """Return the error for a segment's file that the catalogue names and the disk lacks."""
    return StoredIndexError(
        f"The file {path.name} of segment {path.parent.name} is missing.", REBUILD
    )


def pack_strings(strings: Sequence[str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the strings' UTF-8 bytes end to end, and (n + 1,) offsets into them."""
    encoded = [string.encode() for string in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(string) for string in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets


def unpack_strings(packed: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> list[str]:
    """Return what `pack_strings` was given."""
    content = packed.tobytes()
    bounds = offsets.tolist()
    return [content[a:b].decode() for a, b in pairwise(bounds)]

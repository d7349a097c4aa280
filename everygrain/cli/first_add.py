"""A first addition that fails leaves nothing behind: no empty index that insists on its encoder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from everygrain.errors import EverygrainError, LockedError
from everygrain.index.catalogue import Catalogue
from everygrain.index.lock import writing_alone
from everygrain.index.store import OWN_FILES


@contextmanager
def taken_back(index: Path) -> Iterator[None]:
    """Remove what was made of a new index where what is done inside fails with it still empty.

    A folder that was there before stays, and so does an index that was.
    """
    catalogue = index / "catalogue.db"
    if catalogue.exists():
        yield
        return
    made = [folder for folder in (index, *index.absolute().parents) if not folder.exists()]
    try:
        yield
    except LockedError:  # somebody else is making it
        raise
    except BaseException:
        with suppress(EverygrainError, OSError):
            if catalogue.exists() and _emptied(index):
                for folder in made:
                    folder.rmdir()
        raise


def _emptied(index: Path) -> bool:
    """Remove the files of an index without documents; tell whether it was one."""
    with writing_alone(index):
        with closing(Catalogue(index / "catalogue.db")) as catalogue:
            if catalogue.count():
                return False
        for path in index.iterdir():
            if path.name in OWN_FILES and path.is_dir():
                shutil.rmtree(path)
            elif path.name in OWN_FILES or path.name.startswith("catalogue.db"):
                path.unlink()
    return True

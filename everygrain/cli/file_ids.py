"""Which id a file gets that is one document: files of one name in two folders keep apart.

A file that the index knows by its path keeps its id. Any other gets its path below the folder that
was named, or its name where it was named itself; while that is the id of another file, the folder's
name is put before it, and the name of the folder above that: `a.txt`, `work/a.txt`,
`project/work/a.txt`; the whole path, `/project/work/a.txt`, where all of these are taken. Where the
folder that the other file came from is gone, it was moved or renamed, or made for one time: its ids
go on with the files that now ask for them.

Paths are kept as they lead from the index's own folder, so that both can be moved together; and the
folders that the index was in, so that it can be moved alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from everygrain.cli.terminal import listed
from everygrain.index.catalogue import Catalogue
from everygrain.read.formats import holds_records

if TYPE_CHECKING:
    from everygrain.index.store import Store

_BASES = "file_bases"  # the setting that holds the folders the index was in, the newest first


@dataclass
class FileIds:
    """The ids of the files that sources name.

    ids      absolute path -> id
    longer   those that were given now and have a folder's name before the path below the source
    seen     those of them that a document has that was read
    moved    (folder that is gone, folder whose files have its ids now), both absolute
    """

    ids: dict[str, str] = field(default_factory=dict)
    longer: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    moved: set[tuple[str, str]] = field(default_factory=set)
    _new: list[tuple[str, str, str]] = field(default_factory=list)
    _bases: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, sources: Sequence[str], index: Path) -> FileIds:
        """Give ids to the files of sources, in their order; the index need not exist."""
        files: dict[str, str] = {}
        for source in sources:
            for path, folder in _files(source):
                files.setdefault(path, folder)
        made = cls()
        if not (index / "catalogue.db").exists():
            made._give(files, index, None)
        elif files:
            with closing(Catalogue(index / "catalogue.db")) as catalogue:
                made._give(files, index, catalogue)
        return made

    def id_of(self, path: Path, otherwise: str) -> str:
        """Return the id of a file; the other one for a file that has come meanwhile."""
        return self.ids.get(os.path.abspath(path), otherwise)

    def see(self, identity: str) -> None:
        """Take note of a document that was read."""
        if identity in self.longer:
            self.seen.append(identity)

    def keep(self, store: Store) -> None:
        """Let the index know the files that are new to it. Raises what `writer` does."""
        from everygrain.index.writer import writer

        if self._new:
            with writer(store) as write, write.catalogue.transaction():
                write.catalogue.keep_files(self._new)
                write.catalogue.set(_BASES, self._bases)

    def notes(self) -> list[str]:
        """Return what a user should hear of the ids."""
        told = [
            f"{os.path.relpath(before)} is gone: its ids went on with the files of "
            f"{os.path.relpath(now)}."
            for before, now in sorted(self.moved)
        ]
        if count := len(self.seen):
            told.append(
                f"{'1 id begins' if count == 1 else f'{count:,} ids begin'} with the folder's "
                "name, since another file has the id without it: "
                f"{listed(self.seen, 3)}."
            )
        return told

    def _give(self, files: Mapping[str, str], index: Path, catalogue: Catalogue | None) -> None:
        base = os.path.abspath(index)
        formerly = [] if catalogue is None else catalogue.get(_BASES, [])
        self._bases = [base, *(each for each in formerly if each != base)]
        if catalogue is not None:
            for each in self._bases:
                self.ids |= self._known(files, base, each, catalogue)
        taken = set(self.ids.values())
        waiting, level = [path for path in files if path not in self.ids], 0
        while waiting:
            asked = {path: _id_at(path, files[path], level) for path in waiting}
            rows = [] if catalogue is None else catalogue.files("id", list(asked.values()))
            owners = {row[1]: row[2] for row in rows}
            for path, identity in asked.items():
                owner = owners.get(identity)
                is_taken = identity in taken or (owner is not None and _is_in(self._bases, owner))
                if is_taken and not os.path.isabs(identity):  # no longer one is left to try
                    continue
                self.ids[path] = identity
                taken.add(identity)
                self._new.append((_from(base, path), identity, _from(base, files[path])))
                if owner is not None:
                    self.moved.add((_to(base, owner), files[path]))
                if level:
                    self.longer.add(identity)
            waiting, level = [path for path in waiting if path not in self.ids], level + 1

    def _known(
        self, files: Iterable[str], base: str, formerly: str, catalogue: Catalogue
    ) -> dict[str, str]:
        """Return path -> id of files that the index knew when it was in a folder."""
        stored = {path: _from(formerly, path) for path in files if path not in self.ids}
        known = {
            file: identity
            for file, identity, _ in catalogue.files("file", list(stored.values()))
            # a kept path that leads to a file from where the index is now means that one
            if formerly == base or not os.path.exists(_to(base, file))
        }
        return {path: known[file] for path, file in stored.items() if file in known}


def _files(source: str) -> Iterator[tuple[str, str]]:
    """Yield (path, folder that was named) of files that may be one document, both absolute."""
    if source in ("", "-"):
        return
    named = os.path.abspath(source)
    if os.path.isfile(named):
        if _is_asked(named):
            yield named, os.path.dirname(named)
    elif os.path.isdir(named):
        for place, folders, names in os.walk(named):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and _is_asked(path := os.path.join(place, name)):
                    yield path, named


def _is_asked(path: str) -> bool:
    # what UTF-8 cannot hold is refused when it is read
    return not holds_records(path) and not any("\ud800" <= c <= "\udfff" for c in path)


def _is_in(bases: Sequence[str], folder: str) -> bool:
    """Tell whether there is a folder as it leads from one of the folders of the index."""
    return any(os.path.isdir(_to(base, folder)) for base in bases)


def _to(base: str, path: str) -> str:
    """Return where a kept path leads; what the index was in may be gone, so no link is followed."""
    return os.path.normpath(os.path.join(base, path))


def _from(base: str, path: str) -> str:
    return Path(os.path.relpath(path, base)).as_posix()


def _id_at(path: str, folder: str, level: int) -> str:
    """Return a path below its folder, with the names of so many folders above before it; the whole
    path where there are not so many."""
    for _ in range(level):
        if folder == (above := os.path.dirname(folder)):
            return Path(path).as_posix()
        folder = above
    return _from(folder, path)

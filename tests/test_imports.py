"""Rooms import downward only, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import everygrain

ROOT = Path(everygrain.__file__).parent
ORDER = (
    "document", "errors", "endpoint", "read", "segment", "analyze", "encode", "index", "rank",
    "generate", "measure", "learn", "curate", "label", "match", "answer", "cluster", "refitting",
    "engine",
    "adaptation", "calibration", "server", "cli", "__main__",
)  # fmt: skip
PLACE = {room: place for place, room in enumerate(ORDER)}
FREE = {"data", "systems"}
# the values name the error they raise, and errors import nothing
ALLOWED = {("document", "errors")}


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(source, package):
    """Return the modules that a source imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            found |= {base, *(f"{base}.{each.name}" for each in node.names)}
    return found


def rooms_imported(path):
    package = ".".join(["everygrain", *path.relative_to(ROOT).parent.parts])
    names = imported(path.read_text(encoding="utf-8"), package)
    rooms = {name.split(".")[1] for name in names if name.startswith("everygrain.")}
    return {room for room in rooms if (ROOT / room).is_dir() or (ROOT / f"{room}.py").is_file()}


MODULES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_room_imports_only_itself_and_rooms_below(path):
    room = room_of(path)
    assert room in PLACE or room in FREE, f"the room '{room}' has no place in the order"
    if room in FREE:
        return
    above = {
        other
        for other in rooms_imported(path) - FREE - {room}
        if PLACE[other] > PLACE[room] and (room, other) not in ALLOWED
    }
    assert not above, f"{room} imports from above: {sorted(above)}"


def test_the_check_sees_every_way_to_import():
    source = """
import everygrain.rank.fuse
from everygrain import engine
def later():
    from everygrain.encode.base import Encoder
    from ..index import store
    from . import here
"""
    found = imported(source, "everygrain.measure")
    assert {"everygrain.rank.fuse", "everygrain.engine", "everygrain.encode.base"} <= found
    assert {"everygrain.index.store", "everygrain.measure.here"} <= found


@pytest.mark.parametrize("module", ["everygrain", "everygrain.engine"])
def test_importing_the_engine_loads_nothing_heavy(module):
    heavy = (
        "torch",
        "pyarrow",
        "sentence_transformers",
        "transformers",
        "faiss",
        "model2vec",
        "scipy",
    )
    program = f"import sys, {module}\nprint(*[name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == []

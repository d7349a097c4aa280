"""The reading room uses the engine's public names alone, and what plug-in commands may use."""

import ast
from pathlib import Path

import pytest

import everygrain
import everygrain.cli.plugin
import everygrain_papers

ROOT = Path(everygrain_papers.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))


def from_the_engine(source):
    """Return (module, name) of every import from the engine, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(each.name, "") for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {(node.module or "", each.name) for each in node.names}
    return {pair for pair in found if pair[0].split(".")[0] == "everygrain"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_imports_public_names_and_errors(path):
    public = {("everygrain", name) for name in [*everygrain.__all__, "__version__"]}
    used = from_the_engine(path.read_text(encoding="utf-8"))
    hidden = {pair for pair in used - public if pair[0] != "everygrain.errors"}
    hidden -= {("everygrain.cli.plugin", name) for name in everygrain.cli.plugin.__all__}
    assert not hidden, f"not public: {sorted(hidden)}"


def test_the_check_sees_every_way_to_import():
    source = "import everygrain.rank\ndef f():\n    from everygrain.encode.base import Encoder\n"
    assert from_the_engine(source) == {
        ("everygrain.rank", ""),
        ("everygrain.encode.base", "Encoder"),
    }

"""Every system that claims to work does: it imports, names its source, is tested and measured."""

import ast
import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from everygrain.errors import InputError
from everygrain.systems import NEEDS, STATUSES, System, load

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def resolve(path):
    """Return the module or the thing in a module at a dotted path; None where there is none."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and not f"{name}.".startswith(f"{error.name}."):
                raise  # the component is there, but something that it needs is not
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found
    return None


def one_line(text):
    return " ".join((text or "").split())


def asserts(function):
    """Say whether a test's body asserts: an assert statement, or a call such as assert_allclose."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name.startswith("assert_"):
                return True
    return False


def problems_of_test(named):
    file, _, name = named.partition("::")
    if not name or not file.startswith("tests/") or not (ROOT / file).is_file():
        return [f"its test '{named}' names no file of tests/"]
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == name.split("[")[0]
    ]
    if not found:
        return [f"{file} has no function {name}"]
    if not any(asserts(function) for function in found):
        return [f"{name} of {file} asserts nothing"]
    return []


def problems(system: System) -> list[str]:
    """Return what is false about a row; nothing is asked of a planned one."""
    if system.status != "works":
        return []
    things = {path: resolve(path) for path in system.components}
    found = [f"{path} cannot be imported" for path, thing in things.items() if thing is None]
    if not found:
        described = [one_line(getattr(thing, "__doc__", "")) for thing in things.values()]
        if not any("Source" in text and one_line(system.title) in text for text in described):
            found.append(f"the docstring of {system.component} does not say 'Source: <title>'")
    found += problems_of_test(system.test)
    if not system.measured.strip():
        found.append("nothing is measured")
    return found


def test_there_are_76_core_systems_and_50_beside_them():
    expected = [f"S{n:02}" for n in range(1, 77)] + [f"T{n:02}" for n in range(1, 51)]
    assert [system.id for system in load()] == expected


def test_every_row_has_a_known_status_and_known_needs():
    for system in load():
        assert system.status in STATUSES
        assert system.needs in NEEDS
        assert system.detail


@pytest.mark.parametrize("system", load(), ids=lambda system: system.id)
def test_what_a_row_claims_is_true(system):
    assert problems(system) == []


TRUE_ROW = """
[[system]]
id = "S01"
title = "The registry of published systems"
component = "everygrain.systems"
detail = "none"
needs = "cpu-exact"
status = "works"
test = "tests/test_systems.py::test_a_true_row_has_no_problem"
measured = "126 rows"
"""


@pytest.fixture
def true_row(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "everygrain.systems.__doc__", "Rows.\n\nSource: The registry of\n  published systems."
    )
    (tmp_path / "systems.toml").write_text(TRUE_ROW, encoding="utf-8")
    return load(tmp_path / "systems.toml")[0]


def test_a_true_row_has_no_problem(true_row):
    assert problems(true_row) == []


def test_a_class_can_be_a_component(true_row, monkeypatch):
    monkeypatch.setattr("everygrain.systems.System.__doc__", f"Source: {true_row.title}.")
    assert problems(replace(true_row, component="everygrain.systems.System")) == []


@pytest.mark.parametrize(
    ("field", "false", "said"),
    [
        ("component", "everygrain.nowhere", "cannot be imported"),
        ("component", "everygrain.systems.Nothing", "cannot be imported"),
        ("component", "everygrain.systems + nowhere.at.all", "cannot be imported"),
        ("component", "everygrain.errors", "does not say"),
        ("title", "A paper that nobody wrote", "does not say"),
        ("test", "", "names no file"),
        ("test", "tests/test_nothing.py::test_a", "names no file"),
        ("test", "tests/test_systems.py::test_missing", "has no function"),
        ("test", "tests/test_systems.py::true_row", "asserts nothing"),
        ("measured", " ", "nothing is measured"),
    ],
)
def test_a_false_row_is_caught(tmp_path, true_row, field, false, said):
    path = tmp_path / "false.toml"
    lines = [
        f'{field} = "{false}"' if line.startswith(f"{field} =") else line
        for line in TRUE_ROW.splitlines()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert len(found := problems(load(path)[0])) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('status = "works"', 'status = "done"', "System S01: the field 'status'"),
        ('needs = "cpu-exact"', 'needs = "luck"', "'needs'"),
        ('detail = "none"', "", "'detail' is missing"),
        ('detail = "none"', 'detail = "none"\nnote = ""', "'note' is unknown"),
        ('detail = "none"', "detail = 3", "'detail' is int"),
        ('id = "S01"', 'id = "X1"', "'id'"),
        ('"everygrain.systems"', '"everygrain/systems"', "'component'"),
        ("[[system]]", "[[other]]", "no list of systems"),
        ('id = "S01"', "id = S01", "no TOML"),
    ],
)
def test_a_broken_file_is_refused_by_row_and_field(tmp_path, old, new, said):
    path = tmp_path / "systems.toml"
    path.write_text(TRUE_ROW.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load(path)


def test_an_id_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / "systems.toml"
    path.write_text(TRUE_ROW + TRUE_ROW, encoding="utf-8")
    with pytest.raises(InputError, match="occurs twice"):
        load(path)

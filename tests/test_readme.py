"""What the README shows is run as it stands, and prints what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python|text)\n(.*?)^```$", README, flags=re.M | re.S)


def run(kind: str, code: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "80"}
    command = ["bash", "-euc", code] if kind == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from everygrain.data import bundled

    folder = tmp_path_factory.mktemp("readme")
    (folder / "path/to/a/beir").mkdir(parents=True)
    (folder / "path/to/a/beir/folder").symlink_to(bundled())
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "stale bread"}\n')
    return folder


def test_every_command_runs_as_typed_and_prints_what_the_readme_shows(collection: Path) -> None:
    shown, last = 0, ""
    for kind, code in BLOCKS:
        if kind == "text":
            squeezed = [line.rstrip() for line in last.strip().splitlines()]
            wanted = [line.rstrip() for line in code.strip().splitlines()]
            assert [line for line in wanted if line not in squeezed] == [], last
            shown += 1
        else:
            last = run(kind, code, collection)
    assert shown == 2


def test_the_first_screen_shows_both_commands() -> None:
    first = "\n".join(README.splitlines()[:12])
    assert "make demo" in first
    assert "make test" in first


def test_the_python_example_has_at_most_ten_lines() -> None:
    code = next(code for kind, code in BLOCKS if kind == "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10

import json
import shutil
from pathlib import Path

import pytest

from everygrain.cli.suite import found_in, reference_systems
from everygrain.errors import EverygrainError

from .conftest import Run

PAPERS = Path(__file__).resolve().parents[2] / "everygrain" / "data" / "papers"


def test_the_bundled_collection_has_the_figures_that_evaluate_gives(run: Run) -> None:
    arguments = (str(PAPERS), "--encoder", "latent", "--measures", "nDCG@10,R@100")
    result = run("suite", *arguments, "--json", "--output", "kept")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    alone = json.loads(
        run("evaluate", *arguments, "--systems", "lexical,dense,hybrid", "--json").stdout
    )["systems"]
    for measure, board in told["standings"].items():
        assert [each["rank"] for each in board] == [1, 2, 3]
        for each in board:
            assert each["average"] == pytest.approx(alone[each["system"]][measure], abs=1e-12)
            assert each["columns"] == {"papers": pytest.approx(each["average"])}
            assert each["low"] < each["average"] < each["high"]
    again = run("suite", *arguments, "--json", "--output", "kept")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == told


def test_folders_in_a_folder_count_as_one_collection(run: Run, tmp_path: Path) -> None:
    for name in ("forum/one", "forum/two", "papers"):
        shutil.copytree(PAPERS, tmp_path / name, ignore=shutil.ignore_patterns("*.py"))
    result = run(
        "suite", "forum", "papers", "--systems", "lexical,lexical(k1=0.9,b=0.4)",
        "--output", "kept", "--measures", "nDCG@10",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "nDCG@10: 2 collections" in lines
    assert [line.split()[0] for line in lines[3:6]] == ["forum", "papers", "average"]
    assert max(map(len, lines)) <= 80
    assert "Again: everygrain suite forum papers" in result.stdout
    told = json.loads((tmp_path / "kept" / "suite.json").read_text())
    assert {f["collection"] for f in told["figures"]} == {"forum/one", "forum/two", "papers"}
    assert len(list((tmp_path / "kept").glob("*.parquet"))) == 3
    assert not (tmp_path / "kept" / "indexes").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("nowhere",), "'nowhere' is no folder"),
        ((str(PAPERS), "--systems", "lexicla"), "there is no system 'lexicla'"),
        ((str(PAPERS), "--systems", "lexical,lexical"), "named twice"),
        ((str(PAPERS), "--systems", "hybrid", "--encoder", "none"), "needs an encoder"),
        ((str(PAPERS), "--measures", "nDGC@10"), "is no measure"),
        ((str(PAPERS), str(PAPERS), "--systems", "lexical"), "Two collections are named 'papers'"),
    ],
)
def test_what_cannot_be_run_is_told(run: Run, options: tuple[str, ...], told: str) -> None:
    result = run("suite", *options)
    assert result.returncode == (2 if "there is no system" in told else 1)
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_every_reference_has_its_own_encoder_or_the_chosen_one() -> None:
    chosen = reference_systems(["lexical", "static", "transformer", "hybrid", "rrf"], "latent")
    assert {name: (str(s.composition), s.encoder) for name, s in chosen.items()} == {
        "lexical": ("lexical", "none"),
        "static": ("dense", "static"),
        "transformer": ("dense", "minilm"),
        "hybrid": ("hybrid", "latent"),
        "rrf": ("fuse(lexical, dense)", "latent"),
    }
    assert list(reference_systems(None, "none")) == ["lexical"]
    with pytest.raises(EverygrainError, match="no encoder 'glove'"):
        reference_systems(None, "glove")


def test_a_folder_with_a_corpus_is_one_collection_whatever_else_is_in_it(tmp_path: Path) -> None:
    shutil.copytree(PAPERS, tmp_path / "papers")
    shutil.copytree(PAPERS, tmp_path / "papers" / "old")
    assert [task.name for task in found_in(tmp_path / "papers", None)] == ["papers"]
    (nested,) = found_in(tmp_path, None)
    assert nested.name == f"{tmp_path.name}/papers"
    assert nested.column == tmp_path.name

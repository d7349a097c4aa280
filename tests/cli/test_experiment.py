import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet
import pytest

from everygrain.data import bundled

from .conftest import COMMAND, Run, environment

FILE = """
collections = ["papers"]
systems = ["lexical", "lexical(k1=0.9, b=0.4)", "fuse(lexical, dense)", "hybrid % 50"]
encoder = "latent"
measures = ["nDCG@10", "R@100"]
"""


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """The bundled collection, beside the file that names it."""
    shutil.copytree(bundled(), tmp_path / "papers")
    (tmp_path / "e.toml").write_text(FILE)
    return tmp_path / "papers"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a first run of the file prints."""
    folder = tmp_path_factory.mktemp("first")
    shutil.copytree(bundled(), folder / "papers")
    (folder / "e.toml").write_text(FILE)
    done = subprocess.run(
        [*COMMAND, "experiment", "e.toml", "--json"],
        cwd=folder, env=environment(), check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout


def test_the_same_file_and_seed_give_the_same_figures_byte_for_byte(
    run: Run, papers: Path, first: str
) -> None:
    second = run("experiment", "e.toml", "--json")
    assert second.returncode == 0, second.stderr
    assert second.stdout.split('"costs"')[0] == first.split('"costs"')[0]
    assert len(json.loads(first)["costs"]) == 4


def test_figures_are_those_that_evaluate_gives(run: Run, papers: Path, first: str) -> None:
    told = json.loads(first)
    means = {(e["system"], e["measure"]): e["mean"] for e in told["figures"]}
    plain = run(
        "evaluate", "papers", "--encoder", "latent", "--systems", "lexical",
        "--measures", "nDCG@10,R@100", "--json",
    )  # fmt: skip
    assert plain.returncode == 0, plain.stderr
    expected = json.loads(plain.stdout)["systems"]["lexical"]
    assert means["lexical", "nDCG@10"] == pytest.approx(expected["nDCG@10"], abs=1e-12)
    assert means["lexical", "R@100"] == pytest.approx(expected["R@100"], abs=1e-12)
    for figure in told["figures"]:
        assert set(figure) == {
            "collection", "system", "measure", "n", "mean", "low", "high", "difference", "p",
            "p_corrected",
        }  # fmt: skip
        assert (figure["collection"], figure["n"]) == ("papers", 25)
        assert figure["low"] < figure["mean"] < figure["high"]
        assert (figure["p"] is None) == (figure["system"] == "lexical")


def test_a_folder_gets_tables_plots_and_every_querys_values(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    result = run("experiment", "e.toml", "--output", "deep/out", "--keep", "kept")
    assert result.returncode == 0, result.stderr
    out = tmp_path / "deep" / "out"
    assert {path.name for path in out.iterdir()} == {
        "results.json", "results.md", "results.csv", "results.tex", "queries.parquet",
        "quality.png", "cost.png", "differences.png",
    }  # fmt: skip
    assert len(pyarrow.parquet.read_table(out / "queries.parquet")) == 4 * 25
    lines = result.stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "papers: 25 judged queries, baseline lexical" in lines
    assert lines[-1] == "Again: everygrain experiment e.toml --output deep/out --keep kept"
    assert "Made by `everygrain experiment e.toml`." in (out / "results.md").read_text()
    told = json.loads((out / "results.json").read_text())
    costs = {cost["system"]: cost for cost in told["costs"]}
    assert costs["lexical"]["index_bytes"] < costs["hybrid % 50"]["index_bytes"]
    assert all(cost["build_seconds"] > 0 for cost in costs.values())
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"papers-none", "papers-latent"}
    assert run("search", "kept/papers-latent", "reranking").returncode == 0

    again = json.loads(run("experiment", "e.toml", "--json", "--keep", "kept").stdout)
    assert again["figures"] == told["figures"]
    assert [cost["build_seconds"] for cost in again["costs"]] == [None] * 4

    corpus = papers / "corpus.jsonl"
    corpus.write_text("".join(corpus.read_text().splitlines(keepends=True)[:-1]))
    stale = run("experiment", "e.toml", "--keep", "kept")
    assert stale.returncode == 1
    assert "'papers' lacks. Remove it, or name another folder with --keep." in stale.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hybrid %", "hybird %", "there is no system 'hybird'; perhaps 'hybrid' is meant"),
        ("encoder", "encodre", "There is no key 'encodre'. Perhaps 'encoder' is meant"),
        ('"papers"', '"paper"', "The collection 'paper' is no folder"),
        ("nDCG", "nDGC", "'nDGC@10' is no measure"),
        ("[", "[[", "e.toml is not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_the_remedy(
    run: Run, papers: Path, tmp_path: Path, old: str, new: str, told: str
) -> None:
    (tmp_path / "e.toml").write_text(FILE.replace(old, new))
    result = run("experiment", "e.toml")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: e.toml")
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_missing_is_told(run: Run) -> None:
    result = run("experiment", "nowhere.toml")
    assert result.returncode == 1
    assert "nowhere.toml" in result.stderr


def test_a_judged_document_that_is_missing_is_told_and_keeps_counting(
    run: Run, papers: Path, tmp_path: Path
) -> None:
    with (papers / "qrels" / "test.tsv").open("a") as file:
        file.write("q01\tlost\t3\n")
    (tmp_path / "e.toml").write_text('collections = "papers"\nsystems = "lexical"\n')
    result = run("experiment", "e.toml", "--json")
    assert result.returncode == 0
    assert "papers: Judged, but not in the corpus: 1 (lost)." in result.stderr
    assert json.loads(result.stdout)["figures"][0]["n"] == 25

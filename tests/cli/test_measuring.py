import json
from pathlib import Path

import pytest

from everygrain import Index, Ranking

from .conftest import TOPICS, Run, records, write


@pytest.fixture
def beir(tmp_path: Path) -> str:
    """A BEIR folder: a query for each topic, whose documents are relevant."""
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    write(folder / "corpus.jsonl", records())
    queries = [
        {"_id": topic, "text": f"{words.split()[0]} of {topic}"} for topic, words in TOPICS.items()
    ]
    write(folder / "queries.jsonl", queries)
    rows = [f"{record['metadata']['topic']}\t{record['_id']}\t1" for record in records()]
    (folder / "qrels" / "test.tsv").write_text(
        "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n"
    )
    return "beir"


def test_a_run_file_holds_what_search_finds(run: Run, words: str, tmp_path: Path) -> None:
    queries = [{"_id": "q1", "text": "comet orbit"}, {"id": "q2", "text": "nonesuch"}]
    write(tmp_path / "queries.jsonl", queries)
    result = run(
        "run", words, "queries.jsonl", "--system", "lexical", "-k", "7", "--output", "run.txt"
    )
    assert result.returncode == 0, result.stderr
    assert "2 queries, 7 rows in run.txt. Nothing was found for 1 of them." in result.stderr
    ranking = Ranking.read_trec(tmp_path / "run.txt")
    with Index.open(words) as index:
        found = index.search("comet orbit", 7, system="lexical")
    assert ranking.by_query() == {
        "q1": [(hit.id, pytest.approx(hit.score, abs=1e-6)) for hit in found]
    }
    assert (tmp_path / "run.txt").read_text().splitlines()[0].split()[5] == "lexical"


def test_a_broken_line_of_queries_is_named(run: Run, words: str, tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "x"}\n{broken\n')
    result = run("run", words, "queries.jsonl", "--output", "run.txt")
    assert result.returncode == 1
    assert "queries.jsonl, line 2: Not JSON" in result.stderr
    assert not (tmp_path / "run.txt").exists()
    result = run("run", words, "nowhere.jsonl", "--output", "run.txt")
    assert result.returncode == 1
    assert "'nowhere.jsonl' does not exist" in result.stderr


def test_a_run_that_cannot_be_written_is_an_error(run: Run, words: str, tmp_path: Path) -> None:
    write(tmp_path / "queries.jsonl", [{"id": "q", "text": "comet"}])
    result = run("run", words, "queries.jsonl", "--output", "no/such/run.txt")
    assert result.returncode == 1
    assert "'no/such/run.txt': No such file or directory." in result.stderr


def test_evaluate_gives_every_system_its_figures(run: Run, beir: str) -> None:
    result = run("evaluate", beir, "--encoder", "latent", "--json", "--measures", "P@5,nDCG@10")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert list(told) == ["collection", "queries", "systems"]
    assert (told["collection"], told["queries"]) == ("beir", 4)
    assert list(told["systems"]) == ["lexical", "dense", "hybrid", "rrf"]
    for figures in told["systems"].values():
        assert list(figures) == ["P@5", "nDCG@10"]
    # every document of a topic holds its name, and none of another does
    assert told["systems"]["lexical"] == {"P@5": 1.0, "nDCG@10": pytest.approx(1.0)}


def test_the_table_has_intervals_and_the_command_that_gives_it_again(run: Run, beir: str) -> None:
    arguments = ("evaluate", beir, "--systems", "lexical", "--encoder", "none")
    result = run(*arguments, "--measures", "R@10, nDCG(gains={0:0,1:2})@10")
    assert result.returncode == 0, result.stderr
    assert "4 judged queries" in result.stdout
    assert "95 % interval" in result.stdout
    assert "0.2000  0.2000 to 0.2000" in result.stdout  # 10 of 50
    assert "nDCG(gains={0:0,1:2})@10" in result.stdout
    assert "Again: everygrain evaluate beir --systems lexical --encoder none" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--split", "dev"), "has no judgements 'dev'. It has test."),
        (("--measures", "nDGC@10"), "'nDGC@10' is no measure"),
        (("--encoder", "glove"), "There is no encoder 'glove'."),
        (("--encoder", "none", "--systems", "dense"), "This index has no dense leg."),
    ],
)
def test_what_cannot_be_measured_is_told(
    run: Run, beir: str, options: tuple[str, ...], told: str
) -> None:
    result = run("evaluate", beir, *options)
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_that_is_no_collection_is_told(run: Run, tmp_path: Path) -> None:
    for folder in ("nowhere", "."):
        result = run("evaluate", folder, "--encoder", "none")
        assert result.returncode == 1
        assert result.stderr.startswith("Error: ")

import json
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from everygrain.measure.ledger import Ledger
from everygrain.measure.pool import read_pool

from .conftest import COMMAND, Run, environment, write

QUERIES = [
    {"_id": "q1", "text": "comet orbit"},
    {"_id": "q2", "text": "kneading dough"},
    {"_id": "q3", "text": "nonesuch"},
]


@pytest.fixture
def pool(run: Run, words: str, tmp_path: Path) -> Path:
    """pool.jsonl of two queries, ten documents each, in the folder where the command runs."""
    write(tmp_path / "queries.jsonl", QUERIES)
    result = run("judge", "pool", words, "queries.jsonl", "--depth", "10", "--output", "pool.jsonl")
    assert result.returncode == 0, result.stderr
    assert "20 documents to judge for 2 queries, in pool.jsonl." in result.stderr
    assert "Nothing was found for 1 of the queries." in result.stderr
    assert "everygrain judge page pool.jsonl --judge NAME" in result.stdout
    return tmp_path / "pool.jsonl"


def test_a_pool_holds_what_the_systems_and_runs_found(
    run: Run, both: str, pool: Path, tmp_path: Path
) -> None:
    asked = ("judge", "pool", both, "queries.jsonl", "--depth", "5")
    (tmp_path / "other.run").write_text("q1 Q0 d0 1 1.0 other\n", encoding="utf-8")
    result = run(
        *asked, "--systems", "lexical,fuse(lexical, dense)", "--run", "other.run", "--evidence",
        "--output", "more.jsonl",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    pooled = read_pool(tmp_path / "more.jsonl")
    assert {"q1", "q2"} <= {item.query_id for item in pooled}
    assert ("q1", "d0") in {item.pair for item in pooled}
    assert any(item.evidence for item in pooled)
    assert not any(item.evidence for item in read_pool(pool))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--systems", "lexicla"), "there is no system 'lexicla'; perhaps 'lexical' is meant"),
        (("--systems", "lexical,lexical"), "The system 'lexical' is named twice."),
        (("--systems", "dense"), "no dense leg"),
        (("--run", "lost.run"), "the collection lacks 'lost'"),
    ],
)
def test_what_cannot_be_pooled_is_told(
    run: Run, words: str, pool: Path, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    (tmp_path / "lost.run").write_text("q1 Q0 lost 1 1.0 other\n", encoding="utf-8")
    result = run("judge", "pool", words, "queries.jsonl", "--output", "new.jsonl", *options)
    assert result.returncode == (2 if "there is no system" in told else 1)
    assert told in result.stderr
    assert not (tmp_path / "new.jsonl").exists()


def test_a_pool_with_judgements_is_not_written_over(run: Run, words: str, pool: Path) -> None:
    Ledger.beside(pool).change("ada", read_pool(pool)[0].pair, grade=1)
    before = pool.read_bytes()
    result = run("judge", "pool", words, "queries.jsonl", "--depth", "2", "--output", "pool.jsonl")
    assert result.returncode == 1
    assert "pool.jsonl has judgements beside it" in result.stderr
    assert pool.read_bytes() == before


def test_the_page_is_served_until_ctrl_c(pool: Path) -> None:
    command = [*COMMAND, "judge", "pool.jsonl", "--judge", "ada"]
    with subprocess.Popen(
        command, cwd=pool.parent, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url, timeout=20) as page:
            assert b"<title>Judging</title>" in page.read()
        request = urllib.request.Request(
            url + "change", b'{"number": 0, "grade": 2}', {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)["grade"] == 2
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "0 of 20 graded." in told
    assert "1 of 20 graded. All is in pool.judgements.jsonl." in told
    assert Ledger.beside(pool).of("ada")[read_pool(pool)[0].pair].grade == 2


def test_what_cannot_be_judged_is_told_before_a_page_is_served(run: Run, pool: Path) -> None:
    result = run("judge", "page", "nowhere.jsonl", "--judge", "ada")
    assert result.returncode == 1
    assert "nowhere.jsonl" in result.stderr
    result = run("judge", "page", "pool.jsonl", "--judge", " ")
    assert result.returncode == 1
    assert "name" in result.stderr
    Ledger.beside(pool).path.write_text("broken\nbroken\n", encoding="utf-8")
    for command in (("page", "pool.jsonl", "--judge", "ada"), ("agree", "pool.jsonl")):
        result = run("judge", *command)
        assert result.returncode == 1
        assert "pool.judgements.jsonl, line 1" in result.stderr


@pytest.fixture
def judged(pool: Path) -> Path:
    """The pool with grades 0 1 2 3 and 0 1 1 of two judges, a skip, and a grade of another pool."""
    ledger = Ledger.beside(pool)
    pairs = [item.pair for item in read_pool(pool)[:4]]
    for grade, pair in enumerate(pairs):
        ledger.change("ada", pair, grade=grade)
    for grade, pair in zip((0, 1, 1), pairs, strict=False):
        ledger.change("bob", pair, grade=grade)
    ledger.change("bob", pairs[3], skipped=True)
    ledger.change("bob", ("q9", "d9"), grade=3)
    return pool


def test_agreement_is_told_as_a_table_and_as_json(run: Run, judged: Path) -> None:
    result = run("judge", "agree", "pool.jsonl")
    assert result.returncode == 0, result.stderr
    assert "Left out: 1 grade of documents that pool.jsonl does not hold." in result.stderr
    # 2 of 3 are the same, chance is (1*1 + 1*2 + 1*0) / 9: (2/3 - 1/3) / (2/3)
    assert "ada, bob     3     2  0.500" in result.stdout
    assert "Graded: ada 4, bob 3. By two or more: 3." in result.stdout
    told = json.loads(run("judge", "agree", "pool.jsonl", "--json").stdout)
    assert told["judges"] == {"ada": 4, "bob": 3}
    (pair,) = told["pairs"]
    assert pair["kappa"] == pytest.approx(0.5)
    assert pair["table"][2][1] == 1
    assert told["alpha_ordinal"] > told["alpha_nominal"] > 0


def test_grades_are_exported_as_qrels(run: Run, judged: Path) -> None:
    result = run("judge", "export", "pool.jsonl", "--output", "qrels.tsv")
    assert result.returncode == 0, result.stderr
    assert "4 judgements in qrels.tsv." in result.stderr
    assert "The judges differ on 1 document: the lower median counts." in result.stderr
    assert "16 documents of the pool got no grade, and no row." in result.stderr
    pairs = [item.pair for item in read_pool(judged)[:4]]
    rows = [f"{q}\t{d}\t{g}" for (q, d), g in zip(pairs, (0, 1, 1, 3), strict=True)]
    header = "query-id\tcorpus-id\tscore"
    assert (judged.parent / "qrels.tsv").read_text().splitlines() == [header, *rows]
    arguments = ("--format", "trec", "--judge", "ada", "--output", "qrels.txt")
    assert run("judge", "export", "pool.jsonl", *arguments).returncode == 0
    lines = (judged.parent / "qrels.txt").read_text().splitlines()
    assert lines == [f"{q} 0 {d} {g}" for (q, d), g in zip(pairs, range(4), strict=True)]


def test_nothing_is_exported_where_nothing_is_judged(run: Run, pool: Path) -> None:
    result = run("judge", "export", "pool.jsonl", "--output", "qrels.tsv")
    assert result.returncode == 1
    assert "Nothing in pool.jsonl has a grade yet." in result.stderr
    Ledger.beside(pool).change("ada", read_pool(pool)[0].pair, grade=1)
    result = run("judge", "export", "pool.jsonl", "--output", "qrels.tsv", "--judge", "eve")
    assert result.returncode == 1
    assert "'eve' has judged nothing in pool.jsonl. There are ada." in result.stderr
    assert not (pool.parent / "qrels.tsv").exists()
    assert "alpha: ordinal undefined" in run("judge", "agree", "pool.jsonl").stdout

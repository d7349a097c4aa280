import json
import os
from pathlib import Path

import pytest
from rich.cells import cell_len

from everygrain import Index
from tests.rank.llm.judge import Judge, by_worth

from .conftest import Run, environment, write

QUERY = "telescope and galaxy"


def test_json_is_one_object_of_the_promised_shape(run: Run, both: str) -> None:
    result = run("search", both, QUERY, "-k", "3", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert list(told) == ["query", "took_ms", "hits"]
    assert told["query"] == QUERY
    assert told["took_ms"] > 0
    assert len(told["hits"]) == 3
    with Index.open(both) as index:
        for hit in told["hits"]:
            assert list(hit) == ["id", "title", "score", "spans", "legs"]
            document = index.get(hit["id"])
            assert hit["title"] == document.title
            assert hit["spans"]
            for span in hit["spans"]:
                assert list(span) == ["start", "end", "grain", "text", "score"]
                assert document.text[span["start"] : span["end"]] == span["text"]
            assert set(hit["legs"]) == {"lexical", "dense"}
            for leg in hit["legs"].values():
                assert leg["rank"] is None or leg["rank"] >= 1


def test_a_hit_outside_a_legs_best_has_no_rank_there(run: Run, both: str) -> None:
    told = json.loads(run("search", both, "telescope", "-k", "200", "--json").stdout)
    ranks = [hit["legs"]["lexical"]["rank"] for hit in told["hits"]]
    assert None in ranks
    assert 0 not in ranks


def test_output_for_people_has_rank_title_id_score_and_evidence(run: Run, words: str) -> None:
    result = run("search", words, "telescope region41", "-k", "2")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1. On stars and the galaxy of region41")
    assert lines[1].strip().startswith("d41  score ")
    assert "The stars of region41 need" in result.stdout
    assert "2. " in result.stdout


def test_no_line_is_longer_than_the_terminal(run: Run, both: str, tmp_path: Path) -> None:
    write(
        tmp_path / "wide.jsonl",
        [
            {"id": "w" * 300, "title": "wide " * 60, "text": "comet " + "x" * 500},
            {"id": "cjk", "title": "彗星", "text": "comet " + "彗星" * 200},
        ],
    )
    run("add", "wide", "wide.jsonl", "--encoder", "none")
    for arguments in (
        ("search", both, QUERY, "--explain"),
        ("search", "wide", "comet", "--explain"),
        ("search", both, "nonesuch", "--system", "lexical"),
        ("info", both),
        ("systems",),
    ):
        result = run(*arguments)
        assert result.returncode == 0
        assert max(cell_len(line) for line in result.stdout.splitlines()) <= 80


def test_grains_give_spans_of_that_grain(run: Run, both: str) -> None:
    for grain in ("passage", "sentence"):
        told = json.loads(run("search", both, QUERY, "--grain", grain, "--json").stdout)
        assert {span["grain"] for hit in told["hits"] for span in hit["spans"]} == {grain}


@pytest.mark.parametrize("system", ["lexical", "dense"])
def test_one_leg_alone_tells_of_that_leg(run: Run, both: str, system: str) -> None:
    told = json.loads(run("search", both, QUERY, "--system", system, "--json").stdout)
    assert [list(hit["legs"]) for hit in told["hits"]] == [[system]] * 10
    assert f"Ranked by {system} alone." in run(
        "search", both, QUERY, "--system", system, "--explain"
    ).stdout  # fmt: skip


def test_a_filter_is_kept_to(run: Run, both: str) -> None:
    where = 'topic = "stars" and year < 1910'
    told = json.loads(run("search", both, QUERY, "--where", where, "--json").stdout)
    assert {hit["id"] for hit in told["hits"]} == {"d1", "d5", "d9"}


def test_explain_tells_ranks_scores_and_how_the_weights_were_measured(run: Run, both: str) -> None:
    result = run("search", both, QUERY, "--explain", "-k", "2")
    assert "lexical: rank" in result.stdout
    assert "dense: rank" in result.stdout
    assert "evidence" in result.stdout
    with Index.open(both) as index:
        fusion = index.info()["fusion"]
    told = " ".join(result.stdout.split())
    if fusion is None:
        assert "The weights are a default" in told
    else:
        assert f"{fusion['weight']:.2f} × dense" in told
        assert f"on {fusion['queries']} queries made from the documents" in told
    explained = json.loads(run("search", both, QUERY, "--explain", "--json").stdout)
    assert explained["fusion"] == fusion


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "The query holds no word"),
        ("?!", "The query holds no word"),
        ("the of and", "The query holds only stop words (the, of, and)"),
        ("nonesuch", "No word of the query occurs in the index."),
        ('"galaxy telescope"', "The phrase in quotes occurs in no document"),
    ],
)
def test_finding_nothing_says_why(run: Run, words: str, query: str, reason: str) -> None:
    result = run("search", words, query)
    assert result.returncode == 0
    told = " ".join(result.stdout.split())
    assert told.startswith("Nothing was found. ")
    assert reason in told
    assert json.loads(run("search", words, query, "--json").stdout)["hits"] == []


def test_a_filter_that_lets_nothing_through_is_said(run: Run, words: str) -> None:
    result = run("search", words, QUERY, "--where", "year > 3000")
    assert "The filter lets no document through." in result.stdout
    result = run("search", words, QUERY, "--where", 'topic = "bread"')
    assert "No document that may be shown holds a word of the query." in result.stdout


def test_words_of_the_query_are_highlighted_by_their_stems(run: Run, words: str) -> None:
    plain = run("search", words, "telescopes", "-k", "1")
    assert "\x1b" not in plain.stdout
    coloured = run("search", words, "telescopes", "-k", "1", FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[1;32mtelescope\x1b[0m" in coloured.stdout
    assert "\x1b[1;32mneed" not in coloured.stdout


def test_documents_cannot_command_the_terminal(run: Run, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07 \x1b[31mred \x9b2J \u202eback [bold]markup[/bold] \r\b\x7f"
    write(
        tmp_path / "evil.jsonl",
        [{"id": "e\x1b[2J", "title": f"Title {evil}", "text": f"comet {evil} comet."}],
    )
    run("add", "evil", "evil.jsonl", "--encoder", "none")
    for arguments in (
        ("search", "evil", "comet", "--explain"),
        ("search", "evil", "comet", "--json"),
    ):
        result = run(*arguments)
        assert result.returncode == 0, result.stderr
        for character in "\x1b\x07\x9b\x08\x7f\u202e":
            assert character not in result.stdout
        assert "[bold]markup[/bold]" in result.stdout
    hit = json.loads(run("search", "evil", "comet", "--json").stdout)["hits"][0]
    assert hit["title"] == f"Title {evil}"
    assert "\x1b" not in run("delete", "evil", "\x1b[31m").stderr


def test_a_query_that_is_not_utf8_is_wrong_usage(words: str) -> None:
    import subprocess

    from .conftest import COMMAND

    arguments = [os.fsencode(part) for part in (*COMMAND, "search", words)]
    result = subprocess.run(
        [*arguments, b"caf\xe9"], env=environment(), capture_output=True, check=False
    )
    assert result.returncode == 2
    assert b"UTF-8" in result.stderr
    assert b"Traceback" not in result.stderr


def test_what_a_language_model_cost_is_told(run: Run, words: str, tmp_path: Path) -> None:
    with Judge(by_worth(len)) as judge:
        prices = "prompt_price=2, completion_price=50"
        system = f"lexical % 5 >> listwise(model='m@{judge.url}', full=true, {prices})"
        asked = ("search", words, QUERY, "--system", system)
        cache = {"EVERYGRAIN_CACHE": str(tmp_path / "cache"), "EVERYGRAIN_API_KEY": ""}
        spent = json.loads(run(*asked, "--json", **cache).stdout)["spent"]
        told = run(*asked, **cache).stdout
    assert (spent["calls"], spent["prompt_tokens"], spent["completion_tokens"]) == (1, 10, 2)
    assert spent["money"] == pytest.approx(120e-6)
    assert spent["currency"] == "USD"
    assert (spent["undecided"], spent["unusable"], spent["stopped"]) == (0, {}, "")
    assert "Language model: 0 calls (1 more from the cache); 0 + 0 tokens;" in " ".join(
        told.split()
    )

"""The commands of the reading room, typed as a newcomer would, in processes of their own."""

import json

import pytest

from everygrain_papers.paper import Paper

from ..collection import papers


@pytest.fixture
def room(run, tmp_path):
    """Run `everygrain papers ...` in a room of its own, with a few papers in it."""
    (tmp_path / "few.jsonl").write_text(
        "".join(json.dumps(p.record()) + "\n" for p in papers()), encoding="utf-8"
    )

    def call(*words, **more):
        return run("papers", *words, EVERYGRAIN_PAPERS_HOME=str(tmp_path / "room"), **more)

    done = call("ingest", "few.jsonl")
    assert done.returncode == 0, done.stderr
    assert "12 added" in done.stderr
    return call


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_stands_in_the_help_and_explains_itself(run):
    assert "papers" in run("--help").stdout
    listed = run("papers", "--help").stdout
    for name in ("demo", "ingest", "update", "serve", "search", "alike", "trending", "digest"):
        assert name in listed


def test_what_was_ingested_is_found_and_compared(room):
    found = told(room("search", "mercury pendulum", "-k", "2", "--json"))
    assert {each["keywords"][0] for each in found} == {"clocks"}
    quote = found[0]["evidence"][0]
    assert found[0]["abstract"][quote["start"] : quote["end"]] == quote["text"]
    plain = room("search", "mercury pendulum", "--facet", "method", "--from", "2021")
    assert "On the drift of tower clocks" in plain.stdout
    assert max(map(len, plain.stdout.splitlines())) <= 80
    near = told(room("alike", "bread-0", "--facet", "method", "-k", "2", "--json"))
    assert {each["id"].split("-")[0] for each in near} == {"bread"}


def test_update_reads_what_came_since_and_nothing_twice(room, tmp_path):
    with (tmp_path / "few.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "late", "title": "A late paper on glaciers"}\n{broken\n')
    again = told(room("update", "--json"))
    assert (again["sources"][0]["added"], again["sources"][0]["rejected"]) == (1, 1)
    assert again["papers"] == 13
    assert "few.jsonl" in room("sources", "--rejects").stdout
    assert told(room("update", "--json"))["sources"][0]["added"] == 0
    assert room("sources", "--remove", "few.jsonl").returncode == 0
    assert "remembers no source" in room("update").stderr


def test_one_source_that_fails_does_not_stop_the_others(room, tmp_path):
    (tmp_path / "more.jsonl").write_text('{"id": "m", "title": "Moraines"}\n', encoding="utf-8")
    assert room("ingest", "more.jsonl").returncode == 0
    (tmp_path / "few.jsonl").unlink()
    done = room("update")
    assert done.returncode == 1
    assert "few.jsonl" in done.stderr
    assert "more.jsonl: 0 added" in done.stderr


BREAD = [
    Paper("rye", "Rye and its sour leaven", "Rye dough wants acid, or its starch does not hold."),
    Paper("steam", "Steam in the oven", "A wet oven lets the crust of a loaf stretch as it rises."),
    Paper("salt", "Salt against yeast", "Salt slows the yeast of a dough and strengthens gluten."),
]


def test_interests_likes_and_the_digest(room, tmp_path):
    (tmp_path / "bread.jsonl").write_text(
        "".join(json.dumps(p.record()) + "\n" for p in BREAD), encoding="utf-8"
    )
    assert room("ingest", "bread.jsonl").returncode == 0
    assert "no interest yet" in room("like", "rye").stderr
    assert room("interests", "--add", "Baking", "--keyword", "dough").returncode == 0
    assert room("like", "rye").returncode == 0
    assert room("dislike", "clocks-0", "--interest", "baking").returncode == 0
    assert "no paper 'nobody'" in room("like", "nobody").stderr
    (mine,) = told(room("interests", "--json"))
    assert (mine["liked"], mine["disliked"]) == (["rye"], ["clocks-0"])
    shown = room("digest", "--dry-run").stdout
    assert "Salt against yeast" in shown
    assert "clocks" not in shown
    assert "your keyword" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert room("digest", "--file", "digest.html").returncode == 0
    assert "Salt against yeast" in (tmp_path / "digest.html").read_text(encoding="utf-8")
    assert "Salt against yeast" not in room("digest", "--dry-run").stdout
    assert room("like", "rye", "--undo").returncode == 0
    assert told(room("interests", "--json"))[0]["liked"] == []


def test_trending_says_what_it_rests_on(room):
    shown = told(room("trending", "--json"))
    assert shown["terms"] == []
    assert "3 are needed" in " ".join(shown["notes"]) or shown["notes"]


def test_merges_are_listed_undone_and_redone(room, tmp_path):
    (tmp_path / "two.jsonl").write_text(
        '{"id": "a", "title": "Glass harmonicas and how they sing", "authors": ["Ada Byron"]}\n'
        '{"id": "b", "title": "Glass Harmonicas and How They Sing", "authors": ["A. Byron"]}\n',
        encoding="utf-8",
    )
    assert "1 merged" in room("ingest", "two.jsonl").stderr
    (merge,) = told(room("merges", "--json"))
    assert {merge["kept"], merge["joined"]} == {"a", "b"}
    assert room("merges", "--undo", merge["id"]).returncode == 0
    assert told(room("merges", "--json"))[0]["undone"]
    assert len(told(room("search", "glass harmonicas", "-k", "2", "--json"))) == 2
    assert room("merges", "--redo", merge["id"]).returncode == 0
    assert "No merge has the id" in room("merges", "--undo", "nothing").stderr


def test_labels_teach_the_room_and_can_be_forgotten(room, tmp_path):
    line = {"id": "x", "sentences": ["We do this.", "It works."], "labels": ["method", "method"]}
    (tmp_path / "labels.jsonl").write_text(
        "".join(json.dumps(line | {"id": str(n)}) + "\n" for n in range(60)), encoding="utf-8"
    )
    assert told(room("functions", "--json"))["labeller"].startswith("rules")
    assert told(room("functions", "labels.jsonl", "--json"))["labeller"].startswith("learned")
    assert told(room("functions", "--forget", "--json"))["labeller"].startswith("rules")


def test_accounts_are_made_with_a_password_from_standard_input(room):
    made = room("users", "--add", "ada", stdin="a long enough password\n")
    assert made.returncode == 0, made.stderr
    assert "ada (keeper)" in room("users").stdout
    assert room("users", "--add", "cid", stdin="a long enough password\n").returncode == 0
    assert "is no keeper" in room("users", "--no-keeper", "cid").stderr
    assert room("users", "--keeper", "cid").returncode == 0
    assert room("users", "--no-keeper", "ada").returncode == 0
    keepers = {each["name"]: each["keeper"] for each in told(room("users", "--json"))}
    assert keepers == {"ada": False, "cid": True}
    short = room("users", "--add", "bob", stdin="x\n")
    assert short.returncode == 1
    assert "password" in short.stderr.lower()
    assert room("users", "--remove", "ada").returncode == 0
    assert (
        "No user" in room("users", "--remove", "ada").stderr
        or "no user" in room("users", "--remove", "ada").stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ingest", "nowhere.jsonl"), "no file or folder 'nowhere.jsonl'"),
        (("search", "x", "--facet", "colour"), "no facet 'colour'"),
        (("search", "x", "--from", "2022", "--to", "2020"), "backwards"),
        (("digest", "--send", "--dry-run"), "Ask for one of them"),
        (("interests", "--remove", "nothing"), "no interest"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(room, words, message):
    done = room(*words)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_room_the_way_to_one_is_told(run, tmp_path):
    done = run("papers", "search", "x", EVERYGRAIN_PAPERS_HOME=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "everygrain papers demo" in done.stderr
    assert not (tmp_path / "nowhere").exists()

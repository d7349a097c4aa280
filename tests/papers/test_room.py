"""A room finds what its record holds, whole and by facet, and goes on after any interruption."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from everygrain.errors import InputError, LockedError, QueryError, StoredIndexError
from everygrain_papers.alike import SLACK
from everygrain_papers.facets import in_abstract, pieces, text_of
from everygrain_papers.functions.labelling import LONGEST, Sentence
from everygrain_papers.functions.labels import LabelledAbstract
from everygrain_papers.functions.learned import train
from everygrain_papers.functions.stored import save
from everygrain_papers.ingest import LONGEST_INDEXED
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import Deleted, JsonLines

from .collection import papers


def written(path, given):
    path.write_text("".join(json.dumps(p.record()) + "\n" for p in given), encoding="utf-8")
    return JsonLines(path)


@pytest.fixture
def room(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as made:
        yield made


@pytest.fixture
def filled(room, tmp_path):
    room.ingest(written(tmp_path / "papers.jsonl", papers()))
    return room


def test_papers_are_found_with_the_sentences_that_speak_for_them(filled):
    found = filled.search("mercury pendulum", 3)
    assert {hit.paper.keywords for hit in found.hits} == {("clocks",)}
    start, end = found.hits[0].evidence[0]
    assert "pendulum compensated by mercury" in found.hits[0].paper.abstract[start:end]


def test_a_facet_searches_one_function_of_sentences(filled):
    assert filled.search("night calls", 3, facet="method").hits[0].paper.keywords == ("birds",)
    hit = filled.search("staling of bread", 3, facet="problem").hits[0]
    said = [hit.paper.abstract[start:end] for start, end in hit.evidence]
    assert said[0].startswith("Until now, the staling of bread")
    with pytest.raises(InputError, match="no facet 'colour'"):
        filled.search("bread", facet="colour")


def test_pages_follow_each_other_without_gap_or_repeat(filled):
    whole = [h.paper.id for h in filled.search("baseline percent approach", 12).hits]
    pages = [filled.search("baseline percent approach", 5, offset=n) for n in (0, 5, 10)]
    assert [h.paper.id for page in pages for h in page.hits] == whole
    assert [page.more for page in pages] == [True, True, False]
    with pytest.raises(QueryError, match="narrower"):
        filled.search("percent", 20, offset=100_000)


def test_filters_hold_for_every_result_whatever_stands_in_them(filled, tmp_path):
    hits = filled.search("improves", 20, year_from=2021, year_to=2022, venues=["Letters"]).hits
    assert {(h.paper.year, h.paper.venue) for h in hits} == {(2022, "Letters")}
    odd = Paper("odd", "An improvement that improves", "It improves.", venue='A "b" \\ or 1=1 ü')
    filled.ingest(written(tmp_path / "odd.jsonl", [odd]))
    assert [h.paper.id for h in filled.search("improves", 9, venues=[odd.venue]).hits] == ["odd"]
    with pytest.raises(InputError, match="backwards"):
        filled.search("improves", year_from=2022, year_to=2020)


@pytest.mark.parametrize("facet", [None, "result"])
def test_a_search_among_some_papers_is_the_whole_one_without_the_others(filled, facet):
    birds = {paper.id for paper in papers() if paper.id.startswith("birds")}
    whole = [h for h in filled.search("improves", 20, facet=facet).hits if h.paper.id in birds]
    kept = filled.search("improves", 20, facet=facet, ids=birds)
    assert len(whole) == len(birds) == len(kept.hits)
    assert [h.paper.id for h in kept.hits] == [h.paper.id for h in whole]
    assert [h.evidence for h in kept.hits] == [h.evidence for h in whole]
    assert [h.score for h in kept.hits] == [h.score for h in whole]
    assert sorted(h.hit.legs["dense"].rank for h in kept.hits) == [1, 2, 3]  # among these
    assert not kept.more
    pages = [filled.search("improves", 1, offset=n, facet=facet, ids=birds) for n in range(3)]
    assert [page.hits[0].paper.id for page in pages] == [h.paper.id for h in whole]
    assert [page.more for page in pages] == [True, True, False]
    later = filled.search("improves", 5, facet=facet, ids=[*birds, "nobody"], year_from=2022)
    assert [h.paper.id for h in later.hits] == [h.paper.id for h in whole if h.paper.year >= 2022]
    assert filled.search("improves", 5, facet=facet, ids=()).hits == ()
    assert filled.search("improves", 5, facet=facet, ids=["nobody"]).hits == ()


def test_a_phrase_holds_among_some_papers_too(filled):
    typed = '"mercury pendulum" compensated'
    ids = {paper.id for paper in papers()}
    whole = [(h.paper.id, h.score) for h in filled.search(typed, 20).hits]
    assert whole == [(h.paper.id, h.score) for h in filled.search(typed, 20, ids=ids).hits]
    assert len(whole) < len(filled.search("mercury pendulum compensated", 20, ids=ids).hits)


def test_works_of_many_versions_do_not_push_others_off_the_page(filled, tmp_path):
    many = [
        Paper(
            f"version-{n}", "Glass harmonicas and how they sing", "They sing. " * (n + 1), ("Ada",)
        )
        for n in range(2 * SLACK + 3)
    ]
    other = Paper("other", "A choir of jars", "Glass jars sing low.", ("Bea",))
    filled.ingest(written(tmp_path / "more.jsonl", [*many, other]))
    works = filled.papers.works([paper.id for paper in many])
    assert len(set(works.values())) == 1
    among = {other.id, "birds-0", *works}
    for ids in (None, among):
        found = filled.search("glass harmonicas sing", 2, ids=ids)
        assert [filled.papers.works([h.paper.id])[h.paper.id] for h in found.hits[:1]] == [
            works["version-0"]
        ]
        assert found.hits[1].paper.id == "other"
        assert found.more
    assert len(found.hits[0].versions) == len(many) - 1
    last = filled.search("glass harmonicas sing", 2, offset=2, ids=among)
    assert ([h.paper.id for h in last.hits], last.more) == (["birds-0"], False)
    some = filled.search("glass harmonicas sing", 5, ids=["version-3", "version-7"])
    assert {h.paper.id for h in some.hits} | {*some.hits[0].versions} == {"version-3", "version-7"}
    assert len(some.hits) == 1


def test_versions_of_one_work_are_one_result(filled, tmp_path):
    one = Paper("one", "Glass harmonicas and how they sing", "They sing.", ("Ada Byron",))
    two = Paper("two", "Glass Harmonicas, and How They Sing", "They sing!", ("A. Byron",), "Annals")
    filled.ingest(written(tmp_path / "more.jsonl", [one, two]))
    hits = filled.search("glass harmonicas sing", 5).hits
    assert len([h for h in hits if h.paper.id in ("one", "two")]) == 1
    assert hits[0].versions
    assert all(a.paper.id not in ("one", "two") for a in filled.alike("one"))


def test_papers_are_alike_in_what_was_asked_and_the_sentences_show_it(filled):
    near = filled.alike("rivers-0", "method", 2)
    assert {a.paper.keywords for a in near} == {("rivers",)}
    assert near[0].mine.startswith("We propose a hydraulic simulation")
    assert near[0].theirs.startswith("We propose a hydraulic simulation")
    words = filled.alike("Cold fermentation makes better dough.", "method", 1)
    assert words[0].paper.keywords == ("bread",)
    assert words[0].mine == "Cold fermentation makes better dough."
    with pytest.raises(InputError, match="no facet"):
        filled.alike("rivers-0", "colour")


def test_a_paper_that_says_nothing_of_a_facet_has_no_list(filled, tmp_path):
    filled.ingest(written(tmp_path / "empty.jsonl", [Paper("empty", "A title without abstract")]))
    assert filled.alike("empty", "method") == []
    assert filled.sentences(filled.papers.get("empty")) == []


def test_an_empty_room_finds_nothing_and_says_so_without_an_error(room):
    assert room.search("anything").hits == ()
    assert room.alike("anything at all", "method") == []


def test_there_is_no_room_where_none_was_made(tmp_path):
    with pytest.raises(StoredIndexError, match="no reading room"):
        ReadingRoom(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_revised_and_withdrawn_papers_are_found_as_they_are_now(filled):
    was = filled.papers.get("bread-0")
    text = was.abstract.replace("slow cold fermentation", "quick warm leavening by whisking")
    filled.papers.put([replace(was, abstract=text), Deleted("birds-1")])
    filled.index_waiting()
    assert filled.search("whisking", 1, facet="method").hits[0].paper.id == "bread-0"
    left = [h.paper.id for h in filled.search("migrating birds", 12).hits]
    assert "birds-1" not in left
    assert "birds-0" in left
    assert all(a.paper.id != "birds-1" for a in filled.alike("birds-0", "method"))


def test_the_same_source_read_again_adds_nothing(filled, tmp_path):
    again = filled.ingest(JsonLines(tmp_path / "papers.jsonl"))
    assert (again.added, again.updated) == (0, 0)
    with (tmp_path / "papers.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(Paper("late", "A late paper on glaciers").record()) + "\n{broken\n")
    more = filled.ingest(JsonLines(tmp_path / "papers.jsonl"))
    assert (more.added, more.rejected) == (1, 1)
    assert filled.search("glaciers", 1).hits[0].paper.id == "late"
    assert "line" in filled.papers.rejects()[0][1].place


def test_a_text_of_a_megabyte_is_kept_whole_and_found_by_its_beginning(filled, tmp_path):
    text = "Glaciers calve into fjords. " + "Nothing more is said here. " * 40_000
    filled.ingest(written(tmp_path / "long.jsonl", [Paper("long", "On ice", text)]))
    assert filled.papers.get("long").abstract == text
    hit = filled.search("glaciers calve", 1).hits[0]
    assert hit.paper.id == "long"
    assert text[slice(*hit.evidence[0])] == "Glaciers calve into fjords."
    assert len(filled.index.get("long").text) == LONGEST_INDEXED
    assert filled.sentences(hit.paper)[-1].end <= LONGEST


def test_another_process_that_fills_the_room_is_named(filled):
    from filelock import FileLock

    with FileLock(filled.folder / "ingest.lock"), pytest.raises(LockedError, match="filling"):
        filled.index_waiting()


def test_a_labeller_that_was_learned_makes_the_facets_anew(filled):
    examples = [
        LabelledAbstract(str(n), ("Any sentence.", "And another one."), ("method", "method"))
        for n in range(200)
    ]
    save(train(examples), filled.folder / "functions")
    assert filled.index_waiting() == 0  # the labeller in use is still the old one
    filled.forget_labeller()
    assert filled.index_waiting() == 12
    hit = filled.search("staling of bread poorly understood", 1, facet="method").hits[0]
    assert "staling" in hit.paper.abstract[slice(*hit.evidence[0])]
    assert {s.function for s in filled.sentences(hit.paper)} == {"method"}


def test_an_aim_that_proposes_something_belongs_to_the_method():
    abstract = "We present a parser of clouds. We ask why clouds rain."
    aims = [Sentence(0, 30, "problem"), Sentence(31, 54, "problem")]
    assert pieces(abstract, aims, "method") == aims[:1]
    assert pieces(abstract, aims, "problem") == aims[1:]


def test_a_span_of_a_facet_lies_where_its_words_are_in_the_abstract():
    abstract = "One is here. Two is a method. Three is here. Four is a method too."
    sentences = [
        Sentence(0, 12, "background"), Sentence(13, 29, "method"),
        Sentence(30, 44, "result"), Sentence(45, 66, "method"),
    ]  # fmt: skip
    chosen = pieces(abstract, sentences, "method")
    document = text_of(abstract, chosen)
    for start in range(len(document)):
        for end in range(start + 1, len(document) + 1):
            found = in_abstract(start, end, chosen)
            said = " ".join(abstract[a:b] for a, b in found)
            assert said.split() == document[start:end].split()


FILLER = """
import sys
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import JsonLines
from pathlib import Path
with ReadingRoom(sys.argv[1], encoder="latent") as room:
    print("open", flush=True)
    room.ingest(JsonLines(Path(sys.argv[2])))
"""


@pytest.mark.slow
def test_a_killed_ingest_goes_on_and_ends_as_one_that_was_not(tmp_path):
    given = papers(300)
    source = written(tmp_path / "papers.jsonl", given)
    folder = tmp_path / "killed"
    for wait in (0.05, 0.3, 0.6, 1.0, 1.6):
        process = subprocess.Popen(
            [sys.executable, "-c", FILLER, str(folder), str(source.path)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with ReadingRoom(folder) as room, ReadingRoom(tmp_path / "whole", encoder="latent") as whole:
        room.ingest(source)
        whole.ingest(source)
        assert [p.id for p in room.papers.papers()] == [p.id for p in given]
        assert len(room.index) == len(whole.index) == len(given)
        for facet, index in room.facets.indexes.items():
            held = {d.id: d.text for d in index.documents()}
            assert held == {d.id: d.text for d in whole.facets.indexes[facet].documents()}
        for query in ("mercury pendulum", "channels"):  # vectors are fitted to what came first
            one, other = (
                each.index.retriever("lexical").retrieve([query], 50) for each in (room, whole)
            )
            assert one.document_ids.tolist() == other.document_ids.tolist()
            assert one.scores.tolist() == other.scores.tolist()

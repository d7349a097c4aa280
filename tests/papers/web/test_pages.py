"""What the pages show and what their forms do, without a script."""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import bibtexparser
import pytest

from everygrain_papers.outlook import outlook_of
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.web.rendering import paper_address

from ..collection import papers
from .reading_room import (
    ATTACK,
    BROKEN_OUT,
    LONG,
    PREPRINT,
    PUBLISHED,
    STRANGE,
    Reader,
    people_of,
)

PAGES = (
    "/", "/search", "/search?q=rivers", "/search?q=bread&facet=method", "/trending", "/topics",
    "/trending?kind=paper", "/interests", "/digest", "/digest?preview=1", "/judge",
    "/judge?q=birds", "/help", "/alike?id=rivers-1&facet=result", "/feed.atom?q=clocks",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers(reader: Reader, path: str) -> None:
    assert reader.get(path).status_code == 200


def test_a_search_shows_evidence_with_the_words_of_the_query_marked(reader: Reader) -> None:
    page = reader.get("/search?q=fermenting+dough+slowly").text
    assert "slow cold <mark>fermentation</mark> of <mark>dough</mark>" in page.lower()
    first = re.search(r'<h3><a href="/paper/([^"]+)"', page)
    assert first is not None
    assert first[1].startswith("bread-")
    assert re.search(r"rank 1\b", page)


def test_a_facet_finds_by_what_sentences_do(reader: Reader, room: ReadingRoom) -> None:
    wanted = room.search("acoustic classifier", 5, facet="method").hits
    page = reader.get("/search?q=acoustic+classifier&facet=method").text
    found = re.findall(r'<h3><a href="/paper/([^"]+)"', page)
    assert found[: len(wanted)] == [hit.paper.id for hit in wanted]
    assert 'value="method" checked' in page


def test_filters_narrow_a_search_and_each_can_be_taken_away(reader: Reader) -> None:
    page = unescape(reader.get("/search?q=part&from=2021&to=2021&venue=Annals").text)
    found = re.findall(r'<h3><a href="/paper/([^"]+)"', page)
    assert set(found) == {"rivers-1", "bread-1", "birds-1", "clocks-1"}
    assert "/search?q=part&to=2021&venue=Annals" in page


def test_filters_alone_list_the_newest_first(reader: Reader) -> None:
    page = reader.get("/search?venue=Letters").text
    years = [int(y) for y in re.findall(r"Letters, \d+ \w+ (\d{4})", page)]
    assert years == sorted(years, reverse=True)
    assert len(years) == 8


def test_results_are_turned_page_by_page_without_a_paper_twice(reader: Reader) -> None:
    first = reader.get("/search?q=comet+river+bread").text
    onward = re.search(r'rel="next" href="([^"]+)"', first)
    assert onward is not None
    second = reader.get(unescape(onward[1])).text
    one, two = (set(re.findall(r'<h3><a href="(/paper[^"]+)"', page)) for page in (first, second))
    assert len(one) == 20
    assert two
    assert not one & two
    assert 'rel="prev"' in second


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/search?q=x&from=abc", "&#39;from&#39; is"),
        ("/search?q=x&from=2022&to=2020", "run backwards"),
        ("/search?q=x&facet=colour", "no facet"),
        ("/search?q=x&page=0", "whole number from 1"),
        ("/search?q=x&page=99999999999999", "whole number from 1"),
        ("/search?q=" + "x" * 2000, "at most 1,000"),
        ("/paper/nothing-here", "There is no paper"),
        ("/alike?id=rivers-1&facet=colour", "no facet"),
        ("/interest/1234", "There is no such interest"),
        ("/nowhere", "There is no such page"),
    ],
)
def test_an_address_that_makes_no_sense_says_what_to_do(
    reader: Reader, path: str, said: str
) -> None:
    answer = reader.get(path)
    assert answer.status_code in (400, 404)
    assert said in answer.text
    assert "Traceback" not in answer.text


def test_a_papers_page_tells_what_each_sentence_does_in_words(
    reader: Reader, room: ReadingRoom
) -> None:
    page = reader.get("/paper/rivers-1").text
    shown = re.findall(
        r'<div class="run (\w+)"><span class="function">(\w*)</span><p>(.*?)</p>', page
    )
    told = room.sentences(room.papers.get("rivers-1"))
    functions = [function for function, _ in groupby(each.function for each in told)]
    assert [function for function, _, _ in shown] == functions
    assert [word for _, word, _ in shown] == functions
    assert " ".join(text for _, _, text in shown) == room.papers.get("rivers-1").abstract
    assert 'id="alike-method"' in page


def test_versions_are_explained_and_can_be_kept_apart_and_joined_again(
    reader: Reader, room: ReadingRoom
) -> None:
    page = unescape(reader.get(paper_address(PREPRINT.id)).text)
    assert "Why they are one" in page
    assert PUBLISHED.id in page
    decision = re.search(r'name="decision" value="(\w+)"', page)
    assert decision is not None
    back = paper_address(PREPRINT.id)
    try:
        page = reader.post("/merge", {"decision": decision[1], "act": "undo", "back": back}).text
        assert len(room.papers.versions(PREPRINT.id)) == 1
        assert "kept apart from now on" in page
        assert "They are one" in page
    finally:
        reader.post("/merge", {"decision": decision[1], "act": "redo", "back": back})
    assert len(room.papers.versions(PREPRINT.id)) == 2


def test_a_revised_abstract_shows_what_was_put_in(reader: Reader) -> None:
    page = reader.get(paper_address(PREPRINT.id)).text
    assert "What changed" in page
    assert re.search(r"We count (<ins>many ?</ins>)", page)


def test_references_lead_to_papers_of_the_room_where_they_are_known(reader: Reader) -> None:
    page = reader.get(paper_address(PREPRINT.id)).text
    assert 'href="/paper/rivers-0"' in page
    assert 'href="https://doi.org/10.1/unknown"' in page
    assert "<li>A book without an address</li>" in page


@pytest.mark.parametrize("paper", [*STRANGE, LONG], ids=lambda p: p.id)
def test_strange_papers_have_pages_and_bibtex(reader: Reader, paper: Any) -> None:
    for part in ("paper", "bibtex", "abstract"):
        assert reader.get(paper_address(paper.id, part)).status_code == 200
    entry = reader.get(paper_address(paper.id, "bibtex")).text
    assert len(bibtexparser.loads(entry).entries) == 1


def test_markup_of_a_paper_is_text_on_every_page(reader: Reader) -> None:
    for path in ("/search?q=comets", "/paper/bad-abstract", "/paper/bad-title", "/judge?q=comets"):
        page = reader.get(path).text
        assert ATTACK not in page
        assert BROKEN_OUT not in page
        assert "<img src=x" not in page
    assert ATTACK in unescape(reader.get("/paper/bad-title").text)


def test_an_address_of_another_kind_is_no_link(reader: Reader) -> None:
    page = reader.get("/paper/bad-address").text
    assert "javascript:" not in page
    assert '"><script' not in page


def test_latex_is_shown_and_what_is_unknown_stays_as_written(reader: Reader) -> None:
    page = reader.get("/paper/latex").text
    assert "<i>O</i>(<i>n</i><sup>2</sup>)" in page
    assert r"$\unheardof{x}$" in page
    assert "cost $5 to $10" in page


def test_a_megabyte_of_abstract_makes_a_page_of_usual_size(reader: Reader) -> None:
    answer = reader.get("/paper/long")
    assert len(answer.content) < 120_000
    assert "All of it, as plain text" in answer.text
    whole = reader.get("/abstract/long")
    assert whole.headers["content-type"].startswith("text/plain")
    assert len(whole.text) > 900_000


@pytest.mark.slow
def test_a_megabyte_that_a_search_finds_is_shown_by_its_evidence(tmp_path: Any) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        room.papers.put([LONG])
        room.index_waiting()
        answer = Reader(room, people).get("/search?q=tail+of+dust")
        assert "<mark>dust</mark>" in answer.text
        assert len(answer.content) < 100_000


def test_a_first_like_begins_an_interest_and_can_be_taken_back(
    reader: Reader, people: People
) -> None:
    user = people.single().id
    reader.get("/paper/rivers-1")
    page = reader.post("/mark", {"paper": "rivers-1", "mark": "like", "back": "/paper/rivers-1"})
    (interest,) = people.interests(user)
    assert interest.liked == ("rivers-1",)
    assert "Liked" in page.text
    assert 'aria-pressed="true"' in page.text
    reader.post("/mark", {"paper": "rivers-1", "mark": "none", "interest": interest.id})
    assert people.interests(user)[0].liked == ()


def test_likes_are_kept_apart_by_interest(reader: Reader, people: People) -> None:
    user = people.single().id
    one, two = (people.add_interest(user, name) for name in ("Water", "Bread"))
    reader.get("/search?q=bread")
    reader.post("/mark", {"paper": "bread-1", "mark": "like", "interest": two.id})
    reader.post("/mark", {"paper": "rivers-1", "mark": "dislike", "interest": two.id})
    assert people.interest(user, one.id).liked == ()
    assert people.interest(user, two.id).liked == ("bread-1",)
    assert people.interest(user, two.id).disliked == ("rivers-1",)


def test_the_first_page_brings_papers_by_interest_with_reasons(
    reader: Reader, people: People
) -> None:
    user = people.single().id
    people.add_interest(user, "Bread", keywords=["fermentation"])
    page = unescape(reader.get("/").text)
    found = re.findall(r'<h3><a href="/paper/([^"]+)"', page)
    assert found[0].startswith("bread-")
    assert "it holds “fermentation”" in page
    shown = dict(re.findall(r'name="(paper\d+)" value="([^"]+)"', page))
    page = reader.post("/seen", shown).text
    again = re.findall(r'<h3><a href="/paper/([^"]+)"', page)
    assert not set(again) & set(shown.values()) or "Newest" in page
    assert people.seen(user) == set(shown.values())


def test_an_interest_is_made_changed_and_deleted(reader: Reader, people: People) -> None:
    user = people.single().id
    reader.get("/interests")
    reader.post("/interests", {"name": "Clocks", "keywords": "pendulum, mercury\ndrift"})
    (made,) = people.interests(user)
    assert made.keywords == ("pendulum", "mercury", "drift")
    path = f"/interest/{made.id}"
    reader.get(path)
    seeds = "clocks-1\nhttp://localhost/paper/a%2Fb%3Fc%23d%20e"
    reader.post(
        path, {"name": "Tower clocks", "keywords": "mercury", "negative": "quartz", "seeds": seeds,
               "act": "save"},
    )  # fmt: skip
    (changed,) = people.interests(user)
    assert (changed.name, changed.negative) == ("Tower clocks", ("quartz",))
    assert changed.seeds == ("clocks-1", "a/b?c#d e")
    answer = reader.post(path, {"name": "x", "seeds": "no-such-paper", "act": "save"})
    assert answer.status_code == 404
    assert people.interests(user) == [changed]
    reader.get(path)
    reader.post(path, {"act": "delete"})
    assert people.interests(user) == []


def test_grades_are_kept_and_leave_as_qrels(reader: Reader, people: People) -> None:
    reader.get("/judge?q=night+calls")
    for paper, grade in (("birds-0", "2"), ("a/b?c#d e", "0"), ("rivers-0", "1")):
        reader.post("/judge", {"query": "night calls", "paper": paper, "grade": grade})
    reader.post("/judge", {"query": "night calls", "paper": "rivers-0", "grade": ""})
    page = reader.get("/judge?q=night+calls").text
    assert re.search(r'value="" data-grade="2" aria-pressed="true"', page)
    rows = [line.split(" ") for line in reader.get("/judge/qrels").text.splitlines()]
    assert [row[2:] for row in rows] == [["birds-0", "2"], ["a/b?c#d%20e", "0"]]
    identity, _, text = reader.get("/judge/queries").text.strip().partition("\t")
    assert (identity, text) == (rows[0][0], "night calls")
    reader.get("/judge?q=night+calls")
    bad = reader.post("/judge", {"query": "night calls", "paper": "birds-0", "grade": "7"})
    assert bad.status_code == 400


def test_the_feed_is_atom_and_the_same_until_papers_come(reader: Reader) -> None:
    answer = reader.get("/feed.atom")
    feed = ElementTree.fromstring(answer.content)
    titles = [each.text or "" for each in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert any("<script>" in title for title in titles)
    assert "<script>" not in answer.text
    same = reader.get("/feed.atom", **{"If-None-Match": answer.headers["etag"]})
    assert same.status_code == 304


def test_a_page_that_did_not_change_is_not_sent_again(reader: Reader) -> None:
    reader.get("/help")
    first = reader.get("/paper/rivers-2")
    again = reader.get("/paper/rivers-2", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_digest_settings_are_kept_and_the_preview_sends_nothing(reader: Reader) -> None:
    reader.get("/digest")
    form = {"frequency": "weekly", "weekday": "2", "hour": "6", "zone": "Europe/Lisbon",
            "papers": "7", "act": "save"}  # fmt: skip
    page = reader.post("/digest", form).text
    assert "weekly on Wednesday at 06:00, Europe/Lisbon" in page
    bad = reader.post("/digest", {**form, "zone": "Europe/Nowhere"})
    assert bad.status_code == 400
    assert "no time zone" in bad.text
    assert "No new papers for you" in reader.get("/digest?preview=1").text
    page = reader.post("/digest", {"act": "subscribe", "email": "ada@example.org"}).text
    assert "ada@example.org" in page
    assert "No mails are sent" in reader.post("/digest", {"act": "stop"}).text


def test_a_readers_feed_opens_at_its_own_address_alone(reader: Reader) -> None:
    reader.get("/digest")
    page = reader.post("/digest", {"act": "feed"}).text
    found = re.search(r"<pre>http://localhost(/digest/feed/[^<]+)</pre>", page)
    assert found is not None
    assert reader.get(found[1]).headers["content-type"].startswith("application/atom+xml")
    assert reader.get("/digest/feed/guess").status_code == 404


def test_an_empty_room_says_how_to_fill_it(tmp_path: Any) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        reader = Reader(room, people)
        assert "everygrain papers ingest" in reader.get("/").text
        for path in PAGES:
            if "rivers-1" not in path:
                assert reader.get(path).status_code == 200, path


def test_a_topic_lists_its_own_papers_alone(tmp_path: Path) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        room.papers.put(papers(14))
        room.index_waiting()
        known = outlook_of(room)
        reader = Reader(room, people)
        assert len(known.names) > 1
        for number in known.names:
            page = reader.get(f"/search?topic={number}").text
            found = set(re.findall(r'<h3><a href="/paper/([^"]+)"', page))
            assert found
            assert all(known.topic_of[id] == number for id in found)
        assert "Nothing found" in reader.get("/search?topic=99999").text
        page = reader.get("/topics").text
        assert all(escape(name) in page for name in known.names.values())

"""The reader's own labels on the pages, without a script; and the estimate of impact."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import quote_plus, unquote_plus

import pytest
from markupsafe import escape

from everygrain_papers import outlook as outlooks
from everygrain_papers.outlook import outlook_of
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import Deleted
from everygrain_papers.tags import MOST_LABELS, add_label, labels_of, remove_label, take_back
from everygrain_papers.web import Settings, labelling, subjects
from everygrain_papers.web.rendering import paper_address
from everygrain_papers.web.visit import House

from ..collection import papers
from .reading_room import ATTACK, PREPRINT, PUBLISHED, STRANGE, Reader, filled, people_of

LEARNING = "being learned. Load this page again"


@pytest.fixture(scope="module")
def own_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadingRoom]:
    with filled(tmp_path_factory.mktemp("labels")) as made:
        yield made


@pytest.fixture
def labelled(own_room: ReadingRoom) -> Iterator[ReadingRoom]:
    """A room without labels; those that a test makes are gone after it."""
    yield own_room
    for name in labels_of(own_room):
        remove_label(own_room, name)


@pytest.fixture
def reader(labelled: ReadingRoom, people: People) -> Reader:
    made = Reader(labelled, people)
    made.get("/topics")
    return made


def found_in(page: str) -> list[str]:
    """Return the ids of the papers that a page of results lists."""
    found = re.findall(r'<h3><a href="/paper(?:/|\?id=)([^"]+)"', page)
    return [unquote_plus(each) for each in found]


def until(holds: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(500):
        if holds():
            return
        tick.wait(0.05)
    raise AssertionError("What was waited for did not come.")


def learned(reader: Reader) -> str:
    """Return the page of topics once nothing is being learned any more."""
    until(lambda: LEARNING not in reader.get("/topics").text)
    return unescape(reader.page)


def add(reader: Reader, label: str, paper: str = "", **more: str) -> str:
    answer = reader.post("/labels", {"act": "add", "label": label, "paper": paper, **more})
    assert answer.status_code == 200
    return unescape(answer.text)


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"act": "add", "label": "  "}, 400, "no name"),
        ({"act": "add", "label": "x" * 81}, 400, "above 80"),
        ({"act": "add", "label": "a\x07bell"}, 400, "control characters"),
        ({"act": "add", "label": "water", "paper": "nobody"}, 404, "There is no paper"),
        ({"act": "take", "label": "fire", "paper": "rivers-1"}, 404, "There is no label"),
        ({"act": "take", "label": "known", "paper": "rivers-1"}, 404, "There is no example"),
        ({"act": "remove", "label": "fire"}, 404, "There is no label"),
        ({"act": "burn", "label": "known"}, 400, "nothing to do with a label"),
        ({"act": "add", "label": "known", "token": "forged"}, 403, "no longer valid"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    reader: Reader, labelled: ReadingRoom, form: dict[str, str], status: int, said: str
) -> None:
    add_label(labelled, "known", ["bread-1"])
    answer = reader.post("/labels", form)
    assert answer.status_code == status
    assert said in unescape(answer.text)
    assert labels_of(labelled) == {"known": ["bread-1"]}


def test_labels_come_by_forms_alone(reader: Reader) -> None:
    assert reader.get("/labels?act=add&label=water").status_code == 405


def test_a_label_is_made_and_removed_on_the_page_of_topics(
    reader: Reader, labelled: ReadingRoom
) -> None:
    page = add(reader, "Slow  bread")
    assert "Kept. What the label fits" in page
    assert 'href="/search?label=Slow+bread"' in page
    assert "No examples yet" in page
    assert labels_of(labelled) == {"Slow bread": []}
    page = reader.post("/labels", {"act": "remove", "label": "Slow bread"}).text
    assert "The label is gone" in page
    assert "/search?label=" not in page
    assert labels_of(labelled) == {}


def test_a_paper_becomes_an_example_and_is_taken_back_on_its_page(
    reader: Reader, labelled: ReadingRoom
) -> None:
    page = reader.get("/paper/rivers-1").text
    back = re.search(r'name="back" value="(/paper/rivers-1#labels)"', page)
    assert back is not None
    page = add(reader, "water", "rivers-1", back=back[1])
    assert '<a href="/search?label=water">water</a>' in page
    assert "an example" in page
    add(reader, "WATER", "rivers-2", back="/paper/rivers-2#labels")  # the same label
    assert labels_of(labelled) == {"water": ["rivers-1", "rivers-2"]}
    assert '<option value="water">' in reader.page
    page = reader.post(
        "/labels", {"act": "take", "label": "water", "paper": "rivers-1", "back": back[1]}
    ).text
    assert "Taken back" in page
    assert labels_of(labelled) == {"water": ["rivers-2"]}


def test_an_example_has_its_label_at_once_and_others_once_it_is_learned(
    reader: Reader, labelled: ReadingRoom
) -> None:
    add(reader, "tower clocks", "clocks-0")
    assert found_in(reader.get("/search?label=tower+clocks").text) == ["clocks-0"]
    add(reader, "tower clocks", "clocks-1")
    page = learned(reader)
    outlook = outlook_of(labelled)
    names = [id for id, each in outlook.tags.items() if "tower clocks" in each]
    assert {"clocks-0", "clocks-1"} <= set(names)
    assert re.search(
        rf'tower clocks</a></h3>\s*<p class="quiet small">{len(names)} papers</p>', page
    )
    for name in ("clocks-0", "clocks-1"):
        assert labelled.papers.get(name).title in page


def test_a_label_lists_exactly_its_papers_with_and_without_a_query(
    labelled: ReadingRoom, people: People
) -> None:
    reader = Reader(labelled, people, Settings(page_size=100))
    reader.get("/topics")
    add(reader, "Dough & loaves", "bread-0")
    add(reader, "Dough & loaves", "bread-2")
    add(reader, "pendula", "clocks-3")
    learned(reader)
    tags = outlook_of(labelled).tags
    for name in ("Dough & loaves", "pendula"):
        wanted = {id for id, each in tags.items() if name in each}
        for query in ("", "&q=the+approach+improves"):
            answer = reader.get(f"/search?label={quote_plus(name)}{query}")
            assert set(labelled.papers.works(found_in(answer.text)).values()) == wanted
    either = reader.get("/search?label=pendula&label=Dough+%26+loaves").text
    assert set(found_in(either)) == set(tags)
    assert "Nothing found" in reader.get("/search?label=no+such+label").text
    assert "Nothing found" in reader.get("/search?label=PENDULA&q=clocks").text


def test_a_label_narrows_with_other_filters_and_can_be_taken_away(
    reader: Reader, labelled: ReadingRoom
) -> None:
    for paper in ("bread-0", "bread-1", "bread-2"):
        add_label(labelled, "crumb", [paper])
    learned(reader)
    page = unescape(reader.get("/search?label=crumb&venue=Letters&from=2020").text)
    assert found_in(page)
    assert all(labelled.papers.get(id).venue == "Letters" for id in found_in(page))
    assert 'href="/search?from=2020&venue=Letters">crumb<' in page
    assert 'href="/search?venue=Letters&label=crumb">from 2020<' in page
    assert 'name="label" value="crumb" checked' in page


def test_results_of_a_label_are_turned_page_by_page(labelled: ReadingRoom, people: People) -> None:
    known = [f"{subject}-{n}" for subject in ("rivers", "bread", "birds") for n in range(4)]
    add_label(labelled, "all of them", known)
    reader = Reader(labelled, people, Settings(page_size=5))
    learned(reader)
    listed: list[str] = []
    address: str | None = "/search?label=all+of+them"
    while address is not None:
        page = reader.get(address).text
        listed += found_in(page)
        onward = re.search(r'rel="next" href="([^"]+)"', page)
        address = unescape(onward[1]) if onward else None
    held = [id for id, each in outlook_of(labelled).tags.items() if "all of them" in each]
    assert len(listed) == len(set(listed)) == len(held)
    dates = [labelled.papers.get(id).date or "" for id in listed if id in known]
    assert dates == sorted(dates, reverse=True)


def test_every_version_of_a_work_has_the_label_of_any(
    reader: Reader, labelled: ReadingRoom
) -> None:
    add(reader, "tails", PUBLISHED.id)
    learned(reader)
    assert "tails" in outlook_of(labelled).tags[PREPRINT.id]
    for paper in (PREPRINT, PUBLISHED):
        page = reader.get(paper_address(paper.id)).text
        assert '<a href="/search?label=tails">tails</a>' in page
        assert re.search(rf'name="paper" value="{PUBLISHED.id}">', page)
        assert "an example" in page
    listed = found_in(reader.get("/search?label=tails").text)
    assert PREPRINT.id in listed
    assert PUBLISHED.id not in listed


def test_labels_and_examples_of_strange_letters_are_text(
    reader: Reader, labelled: ReadingRoom
) -> None:
    strange = [ATTACK[:60], '"><b onclick=x>', "Strömung 流れ & <i>", "a/b?c#d e", "..", "50% + 1"]
    for name in strange:
        for paper in ("bad-title", "a/b?c#d e", ".."):
            add_label(labelled, name, [paper])
    page = learned(reader)
    for name in strange:
        assert str(escape(name)) in reader.page
        assert name in page
        address = f"/search?label={quote_plus(name)}"
        assert str(escape(address)) in reader.page
        assert "a/b?c#d e" in found_in(Reader(labelled, reader.people).get(address).text)
    assert "<script>document" not in reader.page
    assert "<b onclick" not in reader.page
    assert "<script>document" not in reader.get("/paper/bad-title").text


def test_a_withdrawn_example_is_passed_over(tmp_path: Path) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        room.papers.put(papers(4))
        room.index_waiting()
        add_label(room, "water", ["rivers-0", "rivers-1"])
        room.papers.put([Deleted("rivers-0")])
        room.index_waiting()
        reader = Reader(room, people)
        learned(reader)
        assert reader.get("/search?label=water").status_code == 200
        assert "rivers-0" not in found_in(reader.page)
        assert "rivers-1" in found_in(reader.page)


def test_a_room_with_nothing_to_learn_from_shows_examples_alone(tmp_path: Path) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        reader = Reader(room, people)
        reader.get("/topics")
        add(reader, "water")  # of an empty room
        learned(reader)
        room.papers.put([replace(STRANGE[-1], id="one"), replace(STRANGE[-2], id="two")])
        add(reader, "water", "one")
        learned(reader)
        assert found_in(reader.get("/search?label=water").text) == ["one"]


def test_two_readers_who_label_at_once_lose_nothing(labelled: ReadingRoom) -> None:
    known = [f"{subject}-{n}" for subject in ("rivers", "bread", "birds") for n in range(4)]
    together = threading.Barrier(len(known))

    def label(paper: str) -> None:
        together.wait(10)
        add_label(labelled, "everything", [paper])

    threads = [threading.Thread(target=label, args=(paper,)) for paper in known]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(labels_of(labelled)["everything"]) == sorted(known)
    take_back(labelled, "everything", known[0])
    assert known[0] not in labels_of(labelled)["everything"]


def test_too_many_labels_are_refused(reader: Reader, labelled: ReadingRoom) -> None:
    labelled.papers.set_value("labels", {f"label {n}": [] for n in range(MOST_LABELS)})
    answer = reader.post("/labels", {"act": "add", "label": "one more"})
    assert answer.status_code == 400
    assert len(labels_of(labelled)) == MOST_LABELS


def test_readers_with_accounts_are_told_that_they_share_labels(
    labelled: ReadingRoom, people: People
) -> None:
    shared = "shared by all readers of this room"
    single = Reader(labelled, people)
    for path in ("/topics", "/paper/rivers-1"):
        assert shared not in single.get(path).text
    readers = []
    for name in ("ada", "bea"):
        people.add_user(name, "a tail of dust and ice")
        reader = Reader(labelled, people, Settings(accounts=True))
        reader.get("/login")
        nobody = reader.client.post("/labels", data={"act": "add", "label": "mine"})
        assert nobody.status_code == 403
        reader.post("/login", {"name": name, "password": "a tail of dust and ice"})
        readers.append(reader)
    ada, bea = readers
    for path in ("/topics", "/paper/rivers-1"):
        assert shared in ada.get(path).text
    add(ada, "ours", "rivers-1", back="/paper/rivers-1")
    assert "/search?label=ours" in bea.get("/paper/rivers-1").text


def test_what_was_learned_is_kept_until_a_label_changes_and_then_made_anew_behind_the_page(
    labelled: ReadingRoom, people: People
) -> None:
    house = House(labelled, people, Settings())
    add_label(labelled, "water", ["rivers-0"])
    until(lambda: labelling.own(house).is_learned)
    first = labelling.own(house)
    assert labelling.own(house) is first
    add_label(labelled, "water", ["rivers-1"])
    then = labelling.own(house)
    assert not then.is_learned
    assert then.tags == first.tags
    assert "rivers-1" in then.papers(["water"])
    until(lambda: labelling.own(house).is_learned)
    assert "water" in labelling.own(house).tags["rivers-1"]
    assert labelling.own(house).sizes["water"] == len(labelling.own(house).papers(["water"]))


def test_topics_are_counted_once_for_an_outlook(labelled: ReadingRoom, people: People) -> None:
    house = House(labelled, people, Settings())
    assert subjects.topics(house) is subjects.topics(house)


def test_an_estimated_impact_is_shown_with_its_interval_and_what_it_is_of(
    tmp_path: Path,
) -> None:
    with ReadingRoom(tmp_path / "new", encoder="latent") as room, people_of(tmp_path) as people:
        room.papers.put(papers(2))
        room.index_waiting()
        made = outlook_of(room)
        worth = "Impact is estimated from titles and abstracts; on 2024: nDCG@20 0.5."
        told = replace(
            made, impact={"rivers-0": (0.42, 0.1, 1.0)}, notes=(*made.notes, worth),
            made=datetime.now(UTC),
        )  # fmt: skip
        (room.folder / "outlook" / "outlook.json").unlink()
        outlooks._write(room.folder / "outlook" / "outlook.json", told.record())
        reader = Reader(room, people)
        page = reader.get("/paper/rivers-0").text
        assert "0.42 of 1; nine in ten such papers: 0.10 to 1.00" in page
        assert worth in page
        # the drawing: 0 at 12, 1 at 228
        assert re.search(r'<line class="span" x1="33.6" y1="14" x2="228.0"', page)
        assert 'cx="102.7"' in page
        assert 'class="one"' not in page
        assert "Estimated impact" not in reader.get("/paper/rivers-1").text

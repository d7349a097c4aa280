"""What labels fit is learned once for all processes, and anew when its grounds changed."""

import pytest

from everygrain_papers import learned as module
from everygrain_papers import tags
from everygrain_papers.learned import learned
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import Deleted
from everygrain_papers.tags import add_label, held_terms, tagged
from everygrain_papers.topics.held import text_of

from .collection import papers

PLACE = ("outlook", "learned labels.json")


@pytest.fixture
def room(tmp_path):
    with ReadingRoom(tmp_path / "room", encoder="latent") as made:
        made.papers.put(papers(8))
        made.index_waiting()
        add_label(made, "water", ["rivers-0", "rivers-1"])
        yield made


@pytest.fixture
def counted(monkeypatch):
    """Count how often labels are learned, by what really learns them."""
    times = []

    def counting(*told):
        times.append(1)
        return tags.tagged_by_id(*told)

    monkeypatch.setattr(module, "tagged_by_id", counting)
    return times


def test_another_process_does_not_learn_again(room, counted):
    first = learned(room)
    assert first == ({"water": ["rivers-0", "rivers-1"]}, tagged(room, papers(8), []))
    assert first[1]["rivers-0"] == ("water",)
    with ReadingRoom(room.folder) as again:
        assert learned(again) == first
    assert len(counted) == 1


@pytest.mark.parametrize("change", ["example", "paper", "index", "changed", "encoder", "rule"])
def test_what_it_follows_from_makes_it_learn_again(room, counted, monkeypatch, change):
    learned(room)
    if change == "example":
        add_label(room, "water", ["rivers-2"])
    elif change == "rule":
        monkeypatch.setattr(module, "LEAST", 0.9)
    elif change == "encoder":
        room.index.reencode("latent")
    else:
        identity = "bread-0" if change == "changed" else "new"
        room.papers.put([Paper(identity, "A new flood of rivers", "Rivers flood.")])
        if change != "paper":
            learned(room)
            room.index_waiting()
    learned(room)
    assert len(counted) == (3 if change in ("index", "changed") else 2)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"of": 1}', b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_made_anew(room, counted, content):
    first = learned(room)
    path = room.folder.joinpath(*PLACE)
    path.write_bytes(content)
    assert learned(room) == first
    assert len(counted) == 2
    assert learned(room) == first
    assert len(counted) == 2


def test_a_writer_that_was_killed_leaves_what_stood_there(room, monkeypatch):
    first = learned(room)
    path = room.folder.joinpath(*PLACE)
    before = path.read_bytes()

    def killed(*told):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, "fsync", killed)
    add_label(room, "water", ["rivers-2"])
    with pytest.raises(KeyboardInterrupt):
        learned(room)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir() if each.name.endswith(".new")] == []
    monkeypatch.undo()
    assert learned(room)[0] != first[0]


def test_terms_follow_the_papers_as_they_come_change_and_go(room):
    terms = held_terms(room)
    assert set(terms) == {paper.id for paper in papers(8)}
    room.papers.put([
        Paper("new", "A new flood of rivers", "Rivers flood."), Deleted("birds-0"),
        Paper("bread-0", "Now of birds", "Migrating birds are counted."),
    ])  # fmt: skip
    again = held_terms(room)
    assert set(again) == set(terms) - {"birds-0"} | {"new"}
    assert again.lexicon.terms == terms.lexicon.terms
    now = [paper for paper in room.papers.papers() if paper.id in again]
    fresh = again.lexicon.held([text_of(paper) for paper in now])
    assert (again.rows([paper.id for paper in now]) != fresh).nnz == 0


def test_damaged_terms_are_read_anew_and_a_room_that_doubled_gets_a_new_lexicon(room):
    terms = held_terms(room)
    (room.folder / "outlook" / "label-terms.json").write_text("{}", encoding="utf-8")
    assert (held_terms(room).rows(list(terms)) != terms.rows(list(terms))).nnz == 0
    room.papers.put([
        Paper(f"tea-{n}", f"Green tea leaves, part {n}", "Tea leaves wither.") for n in range(40)
    ])  # fmt: skip
    assert "tea" not in terms.lexicon.terms
    assert "tea" in held_terms(room).lexicon.terms

"""A search in a terminal keeps to a topic and to a label."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.cli.finding import _papers_of
from everygrain_papers.outlook import outlook_of
from everygrain_papers.room import ReadingRoom
from everygrain_papers.tags import add_label

from ..collection import papers


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    with ReadingRoom(tmp_path_factory.mktemp("finding") / "room", encoder="latent") as made:
        made.papers.put(papers(14))
        made.index_waiting()
        add_label(made, "pendula", ["clocks-0", "clocks-3"])
        yield made


def test_the_papers_of_a_topic_and_of_a_label_are_those_that_have_them(room):
    outlook = outlook_of(room)
    assert len(outlook.names) > 1
    labelled = {i for i, names in outlook.tags.items() if "pendula" in names}
    assert {"clocks-0", "clocks-3"} <= labelled
    assert _papers_of(room, None, "pendula") == labelled
    for number, name in outlook.names.items():
        of_topic = {i for i, each in outlook.topic_of.items() if each == number}
        assert _papers_of(room, name, None) == of_topic
        assert _papers_of(room, name, "pendula") == of_topic & labelled
        hits = room.search("the approach improves", 100, ids=_papers_of(room, name, None)).hits
        assert {hit.paper.id for hit in hits} == of_topic


def test_a_topic_or_label_that_is_none_is_named(room):
    with pytest.raises(InputError, match="no topic 'fire'"):
        _papers_of(room, "fire", None)
    with pytest.raises(InputError, match="no label 'fire'"):
        _papers_of(room, None, "fire")

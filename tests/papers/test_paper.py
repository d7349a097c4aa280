"""A paper holds what an index can hold, and says what it cannot."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record


@pytest.mark.parametrize(
    "fields",
    [
        {"id": " "},
        {"id": "a\nb"},
        {"id": "x" * 3000},
        {"title": ""},
        {"abstract": "lone \ud800"},
        {"authors": ("\udfff",)},
        {"year": "2020"},
        {"year": True},
        {"year": 33},
        {"date": "2020"},
        {"date": "2020-02-40"},
        {"date": "2023-02-29"},
        {"date": "2020-13"},
        {"date": 2020},
        {"citations": -1},
        {"citations": 1.5},
        {"more": []},
        {"keywords": "a"},
    ],
)
def test_what_no_paper_can_hold_is_refused(fields):
    with pytest.raises(InputError):
        Paper(**{"id": "a", "title": "t", **fields})


def test_a_paper_comes_back_from_its_record_and_becomes_a_document():
    paper = Paper(
        "a", "T", "Text.", ("A",), "V", 2020, "2020-01", citations=0, more={"status": "Oral"}
    )
    assert of_record(paper.record()) == paper
    document = paper.document()
    assert (document.id, document.text, document.title) == ("a", "Text.", "T")
    assert document.metadata["status"] == "Oral"
    assert document.metadata["date"] == "2020-01"


def test_a_year_in_digits_is_a_year():
    assert of_record({"id": "a", "title": "t", "year": "1999"}).year == 1999


def test_a_record_with_a_day_that_there_is_not_is_of_its_month_or_of_no_date():
    paper = of_record({"id": "a", "title": "t", "date": "2023-04-31", "more": {"note": "n"}})
    assert (paper.date, paper.more) == ("2023-04", {"note": "n", "stated_date": "2023-04-31"})
    assert of_record(paper.record()) == paper
    assert of_record({"id": "a", "title": "t", "date": "0000-01-01"}).date is None
    with pytest.raises(InputError):
        of_record({"id": "a", "title": "t", "date": "next year"})

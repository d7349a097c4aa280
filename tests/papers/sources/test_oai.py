"""A harvest over OAI-PMH ends with every record once, whatever the server does."""

import itertools
import json

import pytest

from everygrain.errors import InputError, StorageError
from everygrain_papers.paper import Paper
from everygrain_papers.sources import Deleted, OaiPmh, Progress, Visitor, resumed
from everygrain_papers.sources.oai import MOST_EMPTY

from .server import Repository, Server, answer, close_midway, endless, record, reply

ROWS = [(f"2401.{i:05}", f"2024-01-{i:02}", False) for i in range(1, 8)]
ALL = [f"arxiv:{row[0]}" for row in ROWS]


def source(server, waits=None, **more):
    waits = [] if waits is None else waits
    visitor = Visitor(delay=0.0, retries=3, timeout=5, sleep=waits.append, largest=2**20)
    return OaiPmh(f"{server.url}/oai", visitor=visitor, **more)


def ids(batches):
    return [item.id for batch in batches for item in batch.items]


def refuse(reject):
    raise AssertionError(reject)


def test_a_record_of_arxiv_becomes_a_paper():
    with Repository(ROWS[:1]) as server:
        (batch,) = source(server).batches(reject=refuse)
    assert batch.last
    assert batch.items == (
        Paper(
            id="arxiv:2401.00001",
            title="A title",
            abstract="We study $x < 3$ for 2401.00001.",
            authors=("C. Balázs", "Martin Luther King Jr"),
            venue="Proc. of Things 3 (2021)",
            year=2021,
            date="2021-02-03",
            keywords=("cs.IR", "cs.CL"),
            url="https://arxiv.org/abs/2401.00001",
            doi="10.1000/thing.2401.00001",
            arxiv_id="2401.00001",
            source="oai",
            more={
                "comments": "12 pages",
                "license": "http://arxiv.org/licenses/x/",
                "datestamp": "2024-01-01",
            },
        ),
    )


RAW = """<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>hep-ph/0101001</id>
<submitter>S</submitter>
<version version="v1"><date>Mon, 1 Jan 2001 10:00:00 GMT</date><size>1kb</size></version>
<version version="v2"><date>Tue, 2 Jan 2001 10:00:00 GMT</date><size>1kb</size></version>
<title>Old &amp; raw</title><authors>K. G\\"odel (IAS), A. B. See and J. Doe</authors>
<categories>hep-ph</categories><abstract>Text.</abstract></arXivRaw>"""
DUBLIN = """<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Dublin</dc:title>
<dc:creator>Lovelace, Ada</dc:creator><dc:creator>Hypatia</dc:creator><dc:subject>Logic</dc:subject>
<dc:description>Text.</dc:description><dc:description>Comment: 3 pages</dc:description>
<dc:date>2021-03-04</dc:date><dc:date>2021-01-02</dc:date>
<dc:identifier>http://arxiv.org/abs/2101.00009</dc:identifier>
<dc:identifier>doi:10.1000/ABC</dc:identifier></oai_dc:dc>"""


def test_the_raw_format_and_dublin_core_become_papers():
    with Server({"/oai": reply([record("a", metadata=RAW), record("b", metadata=DUBLIN)])}) as s:
        (batch,) = source(s).batches(reject=refuse)
    raw, dublin = batch.items
    assert raw.authors == ("K. Gödel", "A. B. See", "J. Doe")
    assert (raw.date, raw.year, raw.arxiv_id) == ("2001-01-01", 2001, "hep-ph/0101001")
    assert raw.more["version"] == 2
    assert dublin.authors == ("Ada Lovelace", "Hypatia")
    assert (dublin.abstract, dublin.date, dublin.doi) == ("Text.", "2021-01-02", "10.1000/abc")
    assert dublin.arxiv_id == "2101.00009"


def test_tokens_lead_through_all_pages_and_carry_no_other_parameter():
    with Repository(ROWS) as server:
        batches = list(source(server, set="cs", since="2024-01-01").batches(reject=refuse))
        assert ids(batches) == ALL
        assert [batch.last for batch in batches] == [False, False, False, True]
        first, *others = [asked for _, asked, _ in server.requests]
    assert first == {
        "verb": "ListRecords", "metadataPrefix": "arXiv", "set": "cs", "from": "2024-01-01",
    }  # fmt: skip
    assert all(asked.keys() == {"verb", "resumptionToken"} for asked in others)


def test_a_deleted_record_says_so():
    with Repository([("2401.00001", "2024-01-01", True)]) as server:
        (batch,) = source(server).batches(reject=refuse)
    assert batch.items == (Deleted("arxiv:2401.00001", "2024-01-01"),)


@pytest.mark.parametrize("stop", range(1, 4))
def test_an_interrupted_harvest_goes_on_where_it_stopped(tmp_path, stop):
    progress = Progress(tmp_path / "state.json")
    with Repository(ROWS) as server:
        oai = source(server)
        stored = list(itertools.islice(resumed(oai, progress, refuse), stop))
        asked = len(server.requests)
        # the batch in flight may not have been stored, so that it comes again
        stored = stored[:-1] + list(resumed(oai, progress, refuse))
        again = len(server.requests) - asked
    assert [item.id for items in stored for item in items] == ALL
    assert again == 4 - stop + 1


def test_an_update_asks_from_the_day_on_which_the_last_harvest_began(tmp_path):
    progress = Progress(tmp_path / "state.json")
    with Repository(ROWS) as server:
        oai = source(server)
        list(resumed(oai, progress, refuse))
        server.rows += [("2406.00001", "2024-06-01", False), ("2401.00001", "2024-06-02", True)]
        update = [item for items in resumed(oai, progress, refuse) for item in items]
        assert server.requests[-1][1]["from"] == "2024-06-01"
        server.rows.clear()
        assert [item for items in resumed(oai, progress, refuse) for item in items] == []
    assert [type(item) for item in update] == [Paper, Deleted]
    assert list(json.loads(progress.path.read_text())) == [oai.name]
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_forgotten_token_leads_back_to_the_last_datestamp():
    with Repository(ROWS) as server:
        batches = source(server).batches(reject=refuse)
        got = [next(batches), next(batches)]
        server.issued.clear()
        got += batches
        froms = [asked.get("from") for _, asked, _ in server.requests]
    assert list(dict.fromkeys(ids(got))) == ALL
    assert [each for each in froms if each] == ["2024-01-04"]


def test_a_forgotten_token_leads_to_the_beginning_where_the_order_was_broken():
    rows = [ROWS[4], ROWS[1], *ROWS[:1], *ROWS[2:4], *ROWS[5:]]
    with Repository(rows) as server:
        batches = source(server).batches(reject=refuse)
        got = [next(batches), next(batches)]
        server.issued.clear()
        got += batches
        assert "from" not in server.requests[3][1]
    assert sorted(set(ids(got))) == ALL


def test_a_server_that_forgets_every_token_is_given_up():
    with Repository([(f"2401.{i:05}", "2024-01-01", False) for i in range(9)]) as server:
        server.issued = type("Forgetful", (dict,), {"__setitem__": lambda *_: None})()
        with pytest.raises(InputError, match="badResumptionToken"):
            list(source(server).batches(reject=refuse))


def test_a_busy_server_is_asked_again_after_the_time_it_names():
    waits = []
    with Repository(ROWS[:1]) as server:
        late = {
            "Retry-After": "Sat, 01 Jun 2024 12:00:40 GMT",
            "Date": "Sat, 01 Jun 2024 12:00:00 GMT",
        }
        server.faults += [
            answer(b"", 503, {"Retry-After": "17"}),
            answer(b"", 429, late),
            answer(b"", 503),
        ]
        assert ids(source(server, waits).batches(reject=refuse)) == ALL[:1]
    assert waits[:2] == [17.0, 40.0]
    assert len(waits) == 3


def test_a_server_that_asks_for_days_is_given_up_at_once():
    waits = []
    with Repository(ROWS[:1]) as server:
        server.faults += [answer(b"", 503, {"Retry-After": "86400"})]
        with pytest.raises(InputError, match="status 503"):
            list(source(server, waits).batches())
    assert waits == []


CUT = reply([record("2401.00001")])[:-200]


@pytest.mark.parametrize(
    "fault",
    [
        answer(CUT),
        answer("this is no XML"),
        answer("<html><body>Maintenance</body></html>"),
        answer(b""),
        answer(b"not gzip", headers={"Content-Encoding": "gzip"}),
        close_midway,
        endless,
    ],
    ids=["cut off", "not XML", "another page", "empty", "bad gzip", "closed midway", "endless"],
)
def test_a_broken_reply_is_asked_for_again_and_else_given_up(fault):
    with Repository(ROWS) as server:
        batches = source(server).batches(reject=refuse)
        first = next(batches)
        server.faults += [fault] if fault is not endless else []
        assert ids([first, *batches]) == ALL
        server.faults += [fault] * 4
        with pytest.raises(InputError, match=r"given up|does not end"):
            list(source(server).batches(first.cursor, refuse))
        server.faults.clear()
        assert ids(source(server).batches(first.cursor, refuse)) == ALL[2:]


def test_a_token_that_comes_again_ends_the_harvest():
    pages = itertools.count()
    with Server({"/oai": lambda _: answer(reply([record(f"n{next(pages)}")], "same"))}) as server:
        batches = source(server).batches(reject=refuse)
        assert ids(itertools.islice(batches, 2)) == ["arxiv:n0", "arxiv:n1"]
        with pytest.raises(InputError, match="same token"):
            next(batches)


def test_records_that_come_again_under_new_tokens_end_the_harvest():
    pages = itertools.count()

    def circle(_):
        number = next(pages)
        return answer(reply([record(f"n{number % 3}")], f"token{number}"))

    with Server({"/oai": circle}) as server, pytest.raises(InputError, match="same records"):
        list(source(server).batches(reject=refuse))
    assert len(server.requests) == 4


def test_a_list_without_records_or_without_end_is_given_up():
    pages = itertools.count()
    with Server({"/oai": lambda _: answer(reply([], f"token{next(pages)}"))}) as server:
        with pytest.raises(InputError, match="without records"):
            list(source(server).batches(reject=refuse))
        assert len(server.requests) == MOST_EMPTY + 1
    grow = lambda _: answer(reply([record(f"n{next(pages)}")], f"token{next(pages)}"))  # noqa: E731
    with Server({"/oai": grow}) as server, pytest.raises(InputError, match="goes on after 20"):
        list(source(server, most_pages=20).batches(reject=refuse))


def test_of_one_record_the_newest_state_counts_whatever_the_order():
    told = [
        record("a", "2024-03-01", "Newest"),
        record("b", "2024-02-01", deleted=True),
        record("a", "2024-01-01", "Oldest"),
        record("b", "2024-01-01"),
    ]
    with Server({"/oai": reply(told)}) as server:
        (batch,) = source(server).batches(reject=refuse)
    found = {item.id: item for item in batch.items}
    assert found["arxiv:a"].title == "Newest"
    assert found["arxiv:b"] == Deleted("arxiv:b", "2024-02-01")


def test_a_record_that_is_no_paper_is_a_reject_and_the_rest_is_read():
    told = [
        record("a", title=" "),
        record("b", metadata="<marc/>"),
        "<record><metadata/></record>",
        "<record><header><identifier>oai:x:1</identifier></header></record>",
        record("c"),
    ]
    rejects = []
    with Server({"/oai": reply(told)}) as server:
        (batch,) = source(server).batches(reject=rejects.append)
    assert [item.id for item in batch.items] == ["arxiv:c"]
    assert len(rejects) == 4
    assert all(reject.reason and server.url in reject.place for reject in rejects)


def test_control_characters_do_not_break_a_reply():
    told = reply([record("a", title="bell")]).replace("bell", "be\x0bl&#11;l &#x1F;&#233;")
    with Server({"/oai": told}) as server:
        (batch,) = source(server).batches(reject=refuse)
    assert batch.items[0].title == "bel l é"


def test_an_error_of_the_protocol_is_told():
    with Repository(ROWS) as server, pytest.raises(InputError, match="cannotDisseminateFormat"):
        list(source(server, format="marc").batches())


@pytest.mark.parametrize("stamp", ["yesterday", "2024", "2024-01-01 12:00"])
def test_a_datestamp_that_is_none_is_refused(stamp):
    with pytest.raises(InputError, match="no datestamp"):
        OaiPmh(since=stamp)


def test_a_state_of_another_kind_is_refused_with_the_remedy(tmp_path):
    with Repository(ROWS) as server, pytest.raises(InputError, match="Forget the source"):
        list(source(server).batches({"token": "t"}))
    path = tmp_path / "state.json"
    for broken in ("{", "[]", '{"oai": 3}'):
        path.write_text(broken)
        with pytest.raises(InputError, match="Delete the file"):
            Progress(path).cursor("oai")


def test_a_state_that_cannot_be_written_is_told_and_the_old_one_stays(tmp_path, monkeypatch):
    progress = Progress(tmp_path / "state.json")
    progress.save("a", {"n": 1})

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        progress.save("a", {"n": 2})
    assert progress.cursor("a") == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_source_that_is_forgotten_begins_anew(tmp_path):
    progress = Progress(tmp_path / "state.json")
    progress.save("a", {"n": 1})
    progress.save("b", {"n": 2})
    progress.forget("a")
    assert (progress.cursor("a"), progress.cursor("b")) == (None, {"n": 2})

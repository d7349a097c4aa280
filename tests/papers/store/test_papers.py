"""The record of papers: what came is kept, states that are older do not win, history stays."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError, StorageError, StoredIndexError
from everygrain_papers.paper import Paper
from everygrain_papers.sources import Deleted, Reject
from everygrain_papers.store import PaperStore
from everygrain_papers.store.kept import MOST_REJECTS

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    made = PaperStore(tmp_path / "papers.db")
    yield made
    made.close()


def paper(number, **told):
    return Paper(f"p{number}", **{"title": f"Of mills and rivers {number}"} | told)


def test_what_was_put_in_is_read_back_as_it_was(store):
    full = Paper(
        "arxiv:1", "A title", "An abstract.", ("Ada B", "Çelik, D"), "ACL", 2020, "2020-05-01",
        ("graphs",), "https://example.org", "10.1/x", "2005.00001", ("p2",), 3, "arxiv-oai",
        {"note": ["ü", {"deep": 1}]},
    )  # fmt: skip
    change = store.put([full, paper(2)], DAY)
    assert change.added == ["arxiv:1", "p2"]
    assert store.get("arxiv:1") == full
    assert list(store.papers()) == [full, paper(2)]
    assert store.fetch(["p2", "nobody", "arxiv:1"]) == {"p2": paper(2), "arxiv:1": full}
    with pytest.raises(InputError, match="no paper 'nobody'"):
        store.get("nobody")


def test_the_same_again_changes_nothing(store):
    store.put([paper(1)], DAY)
    before = store.generation()
    assert store.put([paper(1)], DAY + timedelta(1)).unchanged == ["p1"]
    assert store.generation() == before
    assert store.arrival(["p1"]) == {"p1": DAY}


def test_a_revised_abstract_leaves_its_former_states_in_order(store):
    for day, abstract in enumerate(["One.", "Two.", "Three."]):
        store.put([paper(1, abstract=abstract)], DAY + timedelta(day))
    store.put([paper(1, abstract="Three.", citations=5)], DAY + timedelta(7))
    history = store.history("p1")
    assert [each.paper.abstract for each in history] == ["One.", "Two.", "Three."]
    assert [each.stored for each in history[:2]] == [DAY, DAY + timedelta(1)]
    assert history[-1].paper.citations == 5


def test_a_withdrawn_paper_is_gone_and_comes_back_when_its_source_gives_it_again(store):
    store.put([paper(1), paper(2)], DAY)
    store.indexed(*store.waiting(10))
    assert store.put([Deleted("p1"), Deleted("never here")], DAY).withdrawn == ["p1"]
    assert [p.id for p in store.papers()] == ["p2"]
    assert len(store) == 1
    assert store.waiting(10) == ([], ["p1"])
    store.put([paper(1)], DAY)
    assert store.get("p1") == paper(1)
    assert store.waiting(10) == ([paper(1)], [])


def test_an_older_state_of_a_record_that_comes_late_does_not_win(store):
    def state(day, title):
        return paper(1, title=title, source="arxiv-oai", more={"datestamp": day})

    store.put([state("2024-05-02", "New title")], DAY)
    assert store.put([state("2024-05-01", "Old title")], DAY).older == ["p1"]
    assert store.get("p1").title == "New title"
    assert store.put([state("2024-05-03", "Newest title")], DAY).updated == ["p1"]


@pytest.mark.parametrize("clock", ["", "T12:00:00Z"])
def test_a_withdrawal_and_a_state_that_come_in_the_wrong_order_end_as_the_later_one(store, clock):
    def state(day, title="A title"):
        return paper(1, title=title, source="oai", more={"datestamp": day + clock})

    store.put([state("2024-05-02")], DAY)
    assert store.put([Deleted("p1", "2024-05-01")], DAY).older == ["p1"]
    assert store.get("p1").title == "A title"
    assert store.put([Deleted("p1", "2024-05-03")], DAY).withdrawn == ["p1"]
    assert store.put([state("2024-05-02")], DAY).older == ["p1"]
    assert len(store) == 0
    assert store.put([state("2024-05-04", "Back again")], DAY).updated == ["p1"]
    assert store.put([Deleted("p1", "2024-05-04")], DAY).withdrawn == ["p1"]  # on the same day


def test_newest_takes_no_date_in_the_future_at_its_word(store):
    store.put(
        [
            paper(1, date="2999-01-01"),
            paper(2, date="2026-03-01"),
            paper(3, year=2024),
            paper(4),
            paper(5, date="2026-03"),
        ],
        DAY,
    )
    store.put([paper(6, date="2026-03-03")], DAY + timedelta(2))
    assert [p.id for p in store.newest()] == ["p6", "p1", "p2", "p5", "p3", "p4"]
    assert [p.id for p in store.newest(2, 1)] == ["p1", "p2"]


def test_arrived_tells_when_a_paper_first_came_and_not_when_it_changed(store):
    store.put([paper(1)], DAY)
    store.put([paper(2)], DAY + timedelta(1))
    store.put([paper(1, abstract="Changed.")], DAY + timedelta(2))
    assert store.arrived(DAY + timedelta(1)) == ["p2"]
    assert store.arrived(DAY, DAY + timedelta(1)) == ["p1"]


def test_what_changed_since_a_time_comes_with_what_was_withdrawn(store):
    store.put([paper(1), paper(2), paper(3)], DAY)
    store.put([paper(1, abstract="New."), Deleted("p3"), paper(4)], DAY + timedelta(1))
    assert list(store.changed(DAY + timedelta(hours=1))) == [
        paper(1, abstract="New."), Deleted("p3"), paper(4),
    ]  # fmt: skip
    assert list(store.changed()) == [
        paper(1, abstract="New."), paper(2), Deleted("p3"), paper(4),
    ]  # fmt: skip


def test_what_changes_while_it_is_indexed_waits_again(store):
    store.put([paper(1)], DAY)
    papers, gone = store.waiting(10)
    store.put([paper(1, abstract="Changed.")], DAY)
    store.indexed(papers, gone)
    assert store.waiting(10) == ([paper(1, abstract="Changed.")], [])


def test_versions_that_come_in_several_batches_are_one_work_and_can_be_parted(store):
    first = Paper("a", "Searching with sparse words", "x", ("Ada Byron",), arxiv_id="2101.00001")
    second = Paper("b", "Searching with sparse words", "y", ("A. Byron",), "ACL", 2022)
    third = Paper("c", "Searching with Sparse Words!", "z", ("Ada Byron",), doi="10.1/x")
    other = Paper("d", "Another matter in hand", "z", ("Ada Byron",))
    for each in (first, second, other, third):
        store.put([each], DAY)
    assert store.works(["a", "b", "c", "d"]) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert [p.id for p in store.versions("c")] == ["a", "b", "c"]
    assert [p.id for p in store.versions("d")] == ["d"]
    assert store.later_versions() == {"b", "c"}
    decision = next(d for d in store.decisions("b") if "b" in (d.kept, d.joined))
    store.undo(decision.id)
    assert store.works(["b"]) == {"b": "b"}
    store.put([replace(second, citations=1)], DAY)  # a later batch does not forget it
    assert store.works(["b"]) == {"b": "b"}
    store.redo(decision.id)
    assert store.works(["b"]) == {"b": "a"}
    with pytest.raises(InputError, match="No merge"):
        store.undo("nothing")


def test_a_work_outlives_its_first_version(store):
    store.put([Paper("a", "Searching with sparse words", "", ("Ada Byron",))], DAY)
    store.put([Paper("b", "Searching with sparse words", "", ("Ada Byron",))], DAY)
    store.put([Paper("c", "Searching with sparse words", "", ("Ada Byron",))], DAY)
    store.put([Deleted("a")], DAY)
    assert [p.id for p in store.versions("c")] == ["b", "c"]
    assert store.works(["b", "c"]) == {"b": "b", "c": "b"}


TITLES = ["Deep rivers of the north", "Shallow rivers of the south", "On the making of bread"]
NAMES = ["Ada Byron", "Carl Dietz", "Eve Fox"]
PAPERS = st.builds(
    lambda n, title, names, doi: Paper(f"p{n}", title, "", tuple(names), doi=doi),
    st.integers(0, 9),
    st.sampled_from(TITLES),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
    st.sampled_from(["", "", "10.1/a", "10.1/b"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(PAPERS, PAPERS.map(lambda p: Deleted(p.id))), max_size=25))
def test_works_are_groups_whose_papers_a_decision_in_force_links(tmp_path_factory, items):
    store = PaperStore(tmp_path_factory.mktemp("works") / "papers.db")
    for item in items:
        store.put([item], DAY)
    held = {p.id for p in store.papers()}
    work_of = store.works(held)
    assert set(work_of.values()) <= held
    in_force = [d for d in store.decisions() if not d.undone]
    for identity in held:
        group = {other for other in held if work_of[other] == work_of[identity]}
        assert store.versions(identity)[0].id == work_of[identity]
        reached, before = {work_of[identity]}, set()
        while reached != before:
            before = set(reached)
            reached |= {
                x for d in in_force if {d.kept, d.joined} & before for x in (d.kept, d.joined)
            }
        assert group <= reached
    store.close()


def test_rejects_are_kept_up_to_a_number(store):
    store.reject(Reject("papers.jsonl, line 3", "No title.", "{}"))
    assert store.rejects()[0][1] == Reject("papers.jsonl, line 3", "No title.", "{}")
    with store.database.writing() as write:
        write.executemany(
            "INSERT INTO rejects VALUES (1, ?, '', '')", [(str(n),) for n in range(MOST_REJECTS)]
        )
    store.reject(Reject("the last", "No title."))
    kept = store.rejects()
    assert len(kept) == MOST_REJECTS
    assert kept[-1][1].place == "the last"


def test_small_things_are_remembered(store):
    assert store.get_value("sources") is None
    store.set_value("sources", [{"what": "ü"}])
    assert store.get_value("sources") == [{"what": "ü"}]


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path):
    path = tmp_path / "papers.db"
    path.write_bytes(b"no database at all, but a text of some length" * 50)
    before = path.read_bytes()
    with pytest.raises(StoredIndexError, match=r"papers\.db"):
        PaperStore(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_form_is_refused(tmp_path):
    store = PaperStore(tmp_path / "papers.db")
    with store.database.writing() as write:
        write.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoredIndexError, match="newer"):
        PaperStore(tmp_path / "papers.db")


def test_threads_write_and_read_at_once(store):
    def write(first):
        for n in range(first, first + 20):
            store.put([paper(n)])
            store.newest(5)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 60


WRITER = """
import sys
from pathlib import Path
from everygrain_papers.paper import Paper
from everygrain_papers.store import PaperStore
store = PaperStore(Path(sys.argv[1]))
n = 0
while True:
    store.put([Paper(f"p{n}-{i}", f"Title {n} {i}") for i in range(7)])
    n += 1
    print(n, flush=True)
"""


def test_a_killed_writer_leaves_whole_batches(tmp_path):
    path = tmp_path / "papers.db"
    for wanted in (1, 3, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        for line in process.stdout:
            if int(line) >= wanted:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = PaperStore(path)
        assert len(store) % 7 == 0
        assert len(store) >= 7 * wanted
        store.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_read(tmp_path):
    store = PaperStore(tmp_path / "papers.db")
    store.put([paper(1)], DAY)
    store.close()
    tmp_path.chmod(0o500)
    (tmp_path / "papers.db").chmod(0o400)
    try:
        store = PaperStore(tmp_path / "papers.db")
        assert store.get("p1") == paper(1)
        with pytest.raises(StorageError, match="may not be read and written"):
            store.put([paper(2)], DAY)
        store.close()
    finally:
        tmp_path.chmod(0o700)


def read_as_nobody(path, answers):
    os.setgid(65534)
    os.setuid(65534)
    store = PaperStore(path)
    told = [store.get("p1").title]
    try:
        store.put([paper(2)], DAY)
    except StorageError as error:
        told.append(str(error))
    answers.put(told)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_somebody_who_may_not_write_reads():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    store = PaperStore(folder / "papers.db")
    store.put([paper(1)], DAY)
    store.close()
    (folder / "papers.db").chmod(0o444)
    forking = multiprocessing.get_context("fork")  # nobody may not read the modules afresh
    answers = forking.Queue()
    child = forking.Process(target=read_as_nobody, args=(folder / "papers.db", answers))
    child.start()
    title, refusal = answers.get(timeout=60)
    child.join()
    shutil.rmtree(folder)
    assert title == "Of mills and rivers 1"
    assert "may not be read and written" in refusal

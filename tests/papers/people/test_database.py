"""The file of people is private, whole, and never replaced by a program that cannot read it."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from everygrain.errors import LockedError, StorageError, StoredIndexError
from everygrain_papers.people import People, database, schema


def contents(path):
    return path.read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"no database at all\n" * 300, b"SQLite format 3\x00" + bytes(4080)]
)
def test_a_file_that_is_no_database_is_told_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "people.db"
    path.write_bytes(content)
    with pytest.raises(StoredIndexError, match=r"people\.db"):
        People(path)
    assert contents(path) == content


def test_the_database_of_another_program_is_left_as_it_is(tmp_path):
    path = tmp_path / "people.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (id)")
        connection.execute("PRAGMA user_version=1")
    before = contents(path)
    with pytest.raises(StoredIndexError, match="holds no users of a reading room"):
        People(path)
    assert contents(path) == before


def test_a_newer_schema_is_told_and_left_as_it_is(tmp_path):
    path = tmp_path / "people.db"
    People(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={schema.SCHEMA + 1}")
    before = contents(path)
    with pytest.raises(StoredIndexError, match="Install a newer everygrain"):
        People(path)
    assert contents(path) == before


def filled(path):
    with People(path) as people:
        reader = people.single()
        people.see(reader.id, [f"paper {number}" for number in range(2000)])
    return reader


def test_damaged_pages_are_told_at_reading_and_writing_and_nothing_is_overwritten(tmp_path):
    path = tmp_path / "people.db"
    reader = filled(path)
    sound = contents(path)
    path.write_bytes(sound[:4096] + b"\xff" * (len(sound) - 4096))
    damaged = contents(path)
    with pytest.raises(StoredIndexError, match="Restore it from a copy"), People(path) as people:
        people.seen(reader.id)
    with pytest.raises(StoredIndexError, match="Restore it from a copy"), People(path) as people:
        people.see(reader.id, ["new"])
    assert contents(path) == damaged


@pytest.mark.parametrize(
    ("statement", "act"),
    [
        ("UPDATE interests SET keywords = '[cut'", People.interests),
        ("UPDATE marks SET made = 'yesterday'", People.marks),
        ("UPDATE judgements SET made = ''", People.judgements),
        ("UPDATE seen SET paper = CAST(x'FFFE' AS TEXT)", People.seen),
        ("DROP TABLE marks", People.interests),
    ],
)
def test_rows_that_we_never_wrote_are_told(people, ann, statement, act):
    interest = people.add_interest(ann.id, "Ranking", liked=["paper"])
    people.see(ann.id, ["paper"])
    people.judge(ann.id, "query", "paper", 1)
    assert interest in people.interests(ann.id)
    with closing(people.connect()) as connection:
        connection.execute(statement)
    with pytest.raises(StoredIndexError, match="cannot be read"):
        act(people, ann.id)


def test_a_file_cut_off_is_told_at_opening_and_left_as_it_is(tmp_path):
    path = tmp_path / "people.db"
    filled(path)
    path.write_bytes(contents(path)[: 4096 * 30])
    cut = contents(path)
    with pytest.raises(StoredIndexError, match="Restore it from a copy"):
        People(path)
    assert contents(path) == cut


def test_a_damaged_page_is_a_problem(tmp_path):
    path = tmp_path / "people.db"
    reader = filled(path)
    sound = contents(path)
    place = sound.index(f"{reader.id}paper 1999".encode())
    path.write_bytes(
        sound[: place - place % 4096] + b"\xff" * 8 + sound[place - place % 4096 + 8 :]
    )
    with People(path) as people:
        assert people.database.problems()


def test_a_lost_secret_is_told_and_not_made_anew(tmp_path):
    path = tmp_path / "people.db"
    with People(path) as people, people.database.writing() as connection:
        connection.execute("DELETE FROM settings")
    with pytest.raises(StoredIndexError, match="lost its secret"):
        People(path)


def test_a_sound_file_has_no_problems(people, ann):
    assert people.database.problems() == []


def test_rows_of_nobody_are_a_problem(people, ann):
    with closing(sqlite3.connect(people.path)) as connection:
        connection.execute("INSERT INTO seen VALUES ('nobody', 'paper', '2026')")
        connection.commit()
    assert people.database.problems() == ["rows of seen belong to nobody"]


def test_the_owner_alone_may_read_the_file_and_its_log(tmp_path):
    path = tmp_path / "new" / "people.db"
    before = os.umask(0)
    try:
        with People(path) as people:
            people.single()
            modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"people.db": 0o600, "people.db-wal": 0o600, "people.db-shm": 0o600}


def test_a_copy_that_all_may_read_is_made_private_at_opening(tmp_path):
    path = tmp_path / "people.db"
    People(path).close()
    path.chmod(0o644)
    People(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_has_a_log_foreign_keys_and_full_synchronisation(people):
    with closing(people.connect()) as connection:
        told = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "foreign_keys", "synchronous")
        ]
        assert told == ["wal", 1, 2]
        assert connection.isolation_level is None


def test_the_secret_is_random_and_the_same_at_every_opening(tmp_path):
    with People(tmp_path / "one.db") as one, People(tmp_path / "two.db") as two:
        assert len(one.secret) == 32
        assert one.secret != two.secret
    with People(tmp_path / "one.db") as again:
        assert again.secret == one.secret


def test_processes_that_make_the_file_at_once_agree_on_its_secret(tmp_path):
    script = (
        "import sys; from everygrain_papers.people import People; sys.stdin.readline();"
        "people = People(sys.argv[1]); print(people.secret.hex(), people.single().id)"
    )
    path = tmp_path / "people.db"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in running:
        process.stdin.write("now\n")
        process.stdin.flush()
    told = {process.communicate(timeout=60)[0] for process in running}
    assert len(told) == 1
    assert len(told.pop().split()) == 2
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_link_to_nowhere_is_told_and_stays(tmp_path):
    (tmp_path / "people.db").symlink_to(tmp_path / "nowhere" / "people.db")
    with pytest.raises(StorageError):
        People(tmp_path / "people.db")
    assert (tmp_path / "people.db").is_symlink()


def test_a_writer_who_waits_too_long_is_told(people, monkeypatch):
    monkeypatch.setattr(database, "SECONDS_TO_WAIT", 0.05)
    with People(people.path) as other, closing(other.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockedError, match="busy"):
            other.single()


def test_a_reader_waits_for_no_writer_and_sees_what_was_there(people, ann):
    with people.database.writing() as connection:
        connection.execute("UPDATE users SET name = 'Other'")
        assert people.user(ann.id).name == "Ann"
    assert people.user(ann.id).name == "Other"


def test_a_failure_inside_a_transaction_leaves_nothing_of_it(people, ann):
    def fail():
        with people.database.writing() as connection:
            connection.execute("DELETE FROM users")
            raise ConnectionResetError("the server went away")

    with pytest.raises(ConnectionResetError):
        fail()
    assert people.users() == [ann]


def test_a_full_disk_is_told_and_what_was_stored_stays(people, ann):
    people.see(ann.id, ["before"])
    with people.database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageError, match="full"):
        people.see(ann.id, [f"{number} {'long ' * 100}" for number in range(1000)])
    with people.database.reading() as connection:
        connection.execute("PRAGMA max_page_count=1000000")
    assert people.seen(ann.id) == {"before"}
    people.see(ann.id, ["after"])
    assert people.seen(ann.id) == {"before", "after"}


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match=r"people\.db"):
            People(tmp_path / "people.db")
    finally:
        tmp_path.chmod(0o700)


def test_a_path_that_is_a_folder_or_below_a_file_is_told(tmp_path):
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "folder.db", tmp_path / "file" / "people.db"):
        with pytest.raises(StorageError):
            People(path)


def test_a_closed_file_is_told(people):
    people.close()
    with pytest.raises(StoredIndexError, match="closed"):
        people.users()


def test_idle_connections_do_not_pile_up(people, ann):
    gate = threading.Barrier(20)

    def read():
        with people.database.reading() as connection:
            connection.execute("SELECT 1")
            gate.wait()

    threads = [threading.Thread(target=read) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(people.database._free) <= 8
    assert people.users() == [ann]


def test_a_forked_process_uses_connections_of_its_own(people, ann):
    with people.database.reading() as inherited:
        pass
    child = os.fork()
    if child == 0:
        try:
            with people.database.reading() as own:
                assert own is not inherited
            people.see(ann.id, ["from the child"])
            people.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert people.seen(ann.id) == {"from the child"}
    people.see(ann.id, ["from the parent"])
    assert people.database.problems() == []

"""Files of one name in two folders keep apart; a file that is added again keeps its id."""

import json
import shutil
from pathlib import Path

import pytest

from everygrain import Index
from everygrain.cli.file_ids import FileIds
from everygrain.cli.sources import Sources

from .conftest import Run


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders notes and work, each with a.txt, and an own file each."""
    monkeypatch.chdir(tmp_path)
    for folder, own in (("notes", "bread.md"), ("work", "trains.md")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(f"This is of {folder}.")
        (tmp_path / folder / own).write_text(f"A page of {folder}.")
    return tmp_path


def add(*sources: str, index: str = "index") -> dict[str, str]:
    """Add sources as the command does; return what the index holds then, text by id."""
    files = FileIds.of(sources, Path(index))
    with Index(index, encoder=None if Path(index).exists() else "none") as opened:
        files.keep(opened.store)
        opened.add(Sources(sources, None, None, files).documents())
        return {document.id: document.text for document in opened.documents()}


def test_a_folder_alone_gives_the_paths_below_it_as_ids(folders: Path) -> None:
    (folders / "notes" / "deep" / "er").mkdir(parents=True)
    (folders / "notes" / "deep" / "er" / "a.txt").write_text("Down here.")
    assert set(add("notes")) == {"a.txt", "bread.md", "deep/er/a.txt"}


def test_files_of_one_name_are_both_kept_whether_named_at_once_or_one_after_the_other(
    folders: Path,
) -> None:
    both = {
        "a.txt": "This is of notes.",
        "work/a.txt": "This is of work.",
        "bread.md": "A page of notes.",
        "trains.md": "A page of work.",
    }
    assert add("notes", "work", index="one") == both
    add("notes", index="two")
    assert add("work", index="two") == both


def test_what_is_added_again_is_updated_under_its_id_in_any_order(folders: Path) -> None:
    before = add("notes", "work")
    (folders / "work" / "a.txt").write_text("Changed.")
    for again in (("work",), ("work", "notes"), ("./work/", "notes"), ("work/a.txt",)):
        assert add(*again) == before | {"work/a.txt": "Changed."}


def test_files_named_alone_keep_apart_as_folders_do(folders: Path) -> None:
    assert set(add("notes/a.txt", "work/a.txt")) == {"a.txt", "work/a.txt"}
    assert set(add("work", "notes")) == {"a.txt", "work/a.txt", "bread.md", "trains.md"}


def test_folders_of_one_name_are_told_apart_by_the_folder_above(folders: Path) -> None:
    for above in ("x", "y", "z"):
        shutil.copytree(folders / "notes", folders / above / "notes")
    held = add("x/notes", "y/notes", "z/notes")
    assert {each for each in held if each.endswith("a.txt")} == {
        "a.txt", "notes/a.txt", "z/notes/a.txt",
    }  # fmt: skip


def test_an_id_with_a_folders_name_is_not_given_to_a_second_file(folders: Path) -> None:
    (folders / "notes" / "work").mkdir()
    (folders / "notes" / "work" / "a.txt").write_text("Below both names.")
    held = add("notes", "work")
    assert held["work/a.txt"] == "Below both names."
    assert held["/".join((folders.name, "work", "a.txt"))] == "This is of work."


def test_a_file_gets_its_whole_path_where_all_that_is_shorter_is_taken(folders: Path) -> None:
    path = folders / "work" / "a.txt"
    parts = path.relative_to("/").parts
    for length in range(2, len(parts) + 1):  # a backup of all that is above, at each depth
        copy = folders.joinpath("backup", *parts[-length:])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("A copy.")
    held = add("notes", "backup", "work")
    assert held["a.txt"] == "This is of notes."
    assert held["work/a.txt"] == held["/".join(parts)] == "A copy."
    assert held[str(path)] == "This is of work."
    assert add("work") == held


def test_a_folder_within_one_that_was_added_updates_it(folders: Path) -> None:
    add(".", index="elsewhere/index")
    (folders / "work" / "a.txt").write_text("Changed.")
    held = add("work", index="elsewhere/index")
    assert held["work/a.txt"] == "Changed."
    assert "a.txt" not in held


def test_a_folder_that_was_moved_or_renamed_goes_on_with_its_ids(folders: Path) -> None:
    before = add("notes")
    (folders / "notes").rename(folders / "archive")
    assert add("archive") == before
    files = FileIds.of(["archive"], folders / "index")
    assert not files.moved  # from now on it is known there
    shutil.move(folders / "archive", folders / "work" / "archive")
    files = FileIds.of(["work/archive"], folders / "index")
    assert files.notes() == ["archive is gone: its ids went on with the files of work/archive."]


def test_an_index_that_is_moved_with_its_folders_knows_them(folders: Path) -> None:
    before = add("notes", "work", index="index")
    copy = folders / "copy"
    copy.mkdir()
    for each in ("notes", "work", "index"):
        shutil.copytree(folders / each, copy / each)
    assert add("copy/work", "copy/notes", index="copy/index") == before


def test_an_index_that_is_moved_alone_knows_its_files(folders: Path) -> None:
    before = add("notes", "work", index="index")
    (folders / "deep" / "er").mkdir(parents=True)
    for moved, old in (("deep/index", "index"), ("deep/er/index", "deep/index")):
        shutil.move(folders / old, folders / moved)
        assert add("work", index=moved) == before  # not a.txt, which is that of notes
        assert add("notes", index=moved) == before
    (folders / "new").mkdir()
    (folders / "new" / "a.txt").write_text("This is new.")
    assert add("new", index="deep/er/index") == before | {"new/a.txt": "This is new."}
    shutil.move(folders / "deep" / "er" / "index", folders / "index")
    assert add("new", "work", index="index") == before | {"new/a.txt": "This is new."}


def test_a_copy_of_an_index_and_its_folder_takes_the_first_folder_for_another(
    folders: Path,
) -> None:
    before = add("notes", index="index")
    for each in ("notes", "index"):
        shutil.copytree(folders / each, folders / "copy" / each)
    (folders / "notes" / "a.txt").write_text("Changed.")
    held = add("notes", index="copy/index")
    assert held["a.txt"] == before["a.txt"]
    assert held["notes/a.txt"] == "Changed."


def test_an_index_of_documents_without_known_files_is_updated_as_ever(folders: Path) -> None:
    with Index("index", "none") as index:
        index.add(Sources(["notes"], None).documents())
    (folders / "notes" / "a.txt").write_text("Changed.")
    assert add("notes") == {"a.txt": "Changed.", "bread.md": "A page of notes."}
    assert add("work")["work/a.txt"] == "This is of work."


def test_records_have_the_ids_that_they_say(folders: Path) -> None:
    for folder in ("notes", "work"):
        (folders / folder / "r.jsonl").write_text(json.dumps({"id": "r1", "text": folder}))
    assert add("notes", "work")["r1"] == "work"


def test_a_file_name_that_is_not_utf8_is_left_to_the_reader(folders: Path) -> None:
    Path(b"notes/\xff.txt".decode("utf-8", "surrogateescape")).write_text("x")
    assert set(add("notes")) == {"a.txt", "bread.md"}


def test_the_command_says_which_ids_are_longer_and_a_dry_run_promises_the_same(
    run: Run, folders: Path
) -> None:
    run("add", "index", "notes", "--encoder", "none")
    said = (
        "1 id begins with the folder's name, since another file has the id without it: work/a.txt."
    )
    told = json.loads(run("add", "index", "work", "--dry-run", "--json").stdout)
    assert (told["added"], told["updated"], told["notes"]) == (2, 0, [said])
    result = run("add", "index", "work")
    assert "Added 2, updated 0" in result.stdout
    assert said in " ".join(result.stdout.split())
    assert json.loads(run("add", "index", "work", "--json").stdout)["notes"] == []

import gzip
import json
import os
import pty
import subprocess
from pathlib import Path

from everygrain import Index

from .conftest import COMMAND, Run, environment, records, write


def added(run: Run, *arguments: str, stdin: str = "") -> dict[str, object]:
    result = run("add", *arguments, "--json", stdin=stdin)
    assert result.returncode == 0, result.stderr
    told: dict[str, object] = json.loads(result.stdout)
    return told


def test_a_new_index_holds_what_was_added_and_says_how_to_search_it(run: Run, docs: str) -> None:
    result = run("add", "index", docs, "--encoder", "none")
    assert result.returncode == 0
    assert "Added 12, updated 0, unchanged 0, deleted 0, rejected 0" in result.stdout
    assert "index holds 12 documents." in result.stdout
    assert "everygrain search index" in result.stdout
    assert result.stderr == ""


def test_the_same_again_is_unchanged_and_a_changed_document_is_updated(
    run: Run, docs: str, tmp_path: Path
) -> None:
    added(run, "index", docs, "--encoder", "none")
    changed = records(13)
    changed[3]["text"] = "Something else."
    write(tmp_path / docs, changed)
    told = added(run, "index", docs)
    assert (told["added"], told["updated"], told["unchanged"]) == (1, 1, 11)


def test_standard_input_is_a_source(run: Run) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in records(5))
    assert added(run, "index", "-", "--encoder", "none", stdin=lines)["added"] == 5


def test_texts_that_are_piped_in_one_after_the_other_are_both_kept(
    run: Run, tmp_path: Path
) -> None:
    pages = ("# Bread\n\nKnead it.\n", "# Trains\n\nAll aboard.\n")
    for format in ((), ("--format", "markdown")):
        name = "plain" if not format else "marked"
        for page in (*pages, pages[0]):
            told = added(run, name, "-", "--encoder", "none", *format, stdin=page)
            assert bool(told["notes"]) == (not format)
        with Index.open(tmp_path / name) as index:
            assert len(index) == 2
            assert all(each.id.startswith("text-") for each in index.documents())


def test_standard_input_that_is_surely_a_table_is_read_as_one_and_else_it_is_said(
    run: Run, tmp_path: Path
) -> None:
    told = added(run, "index", "-", "--encoder", "none", stdin="id,title,text\n1,A,b\n2,C,d\n")
    assert (told["added"], told["notes"]) == (2, [])
    result = run("add", "index", "-", stdin="name,price\nx,1\n")
    said = " ".join(result.stdout.split())
    assert "Standard input was read as one document, text-" in said
    assert "if it is a table or other records, name their --format." in said


def test_several_sources_of_several_formats(run: Run, docs: str, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "one.md").write_text("# One\n\nA note.\n")
    (tmp_path / "table.csv").write_text("id,title,text\nc1,A title,Some text\n")
    with gzip.open(tmp_path / "more.jsonl.gz", "wt") as file:
        file.write('{"id": "z", "text": "packed"}\n')
    told = added(run, "index", docs, "notes", "table.csv", "more.jsonl.gz", "--encoder", "none")
    assert told["added"] == 15


def test_a_repeated_id_is_said_and_the_last_one_wins(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path / "twice.jsonl",
        [{"id": "a", "text": "first"}, {"id": "b", "text": "b"}, {"id": "a", "text": "second"}],
    )
    result = run("add", "index", "twice.jsonl", "--encoder", "none")
    assert "1 id came more than once; the last one won: a." in result.stdout
    with Index.open(tmp_path / "index") as index:
        assert index.get("a").text == "second"


def test_broken_lines_are_told_and_kept_and_the_rest_is_added(run: Run, tmp_path: Path) -> None:
    lines = ['{"id": "a", "text": "fine"}', "{broken", '{"text": "no id"}', "[]"]
    (tmp_path / "broken.jsonl").write_text("\n".join(lines))
    result = run("add", "index", "broken.jsonl", "--encoder", "none", "--rejects", "rejects.jsonl")
    assert result.returncode == 0
    assert "Added 1" in result.stdout
    assert "rejected 3" in result.stdout
    assert "- broken.jsonl, 2: Not JSON" in result.stdout
    kept = [json.loads(line) for line in (tmp_path / "rejects.jsonl").open()]
    assert [row["line"] for row in kept] == [2, 3, 4]
    assert kept[0]["raw"] == "{broken\n"


def test_many_rejects_are_counted_and_the_first_are_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"id": "a", "text": "fine"}\n' + "{\n" * 9)
    result = run("add", "index", "broken.jsonl", "--encoder", "none")
    assert "and 4 more; keep them all with --rejects FILE." in result.stdout


def test_metadata_that_cannot_be_stored_is_a_reject(run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text(
        '{"id": "a", "text": "fine"}\n{"id": "b", "text": "x", "value": NaN}\n'
    )
    told = added(run, "index", "odd.jsonl", "--encoder", "none")
    assert (told["added"], told["rejected"]) == (1, 1)


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    run: Run, docs: str, tmp_path: Path
) -> None:
    result = run("add", "index", docs, "--encoder", "none", "--dry-run")
    assert result.returncode == 0
    assert "nothing was changed. It would say: added 12, " in result.stdout
    assert not (tmp_path / "index").exists()
    added(run, "index", docs, "--encoder", "none")
    write(tmp_path / docs, [{"id": "d1", "text": "new text"}, {"id": "new", "text": "x"}])
    told = added(run, "index", docs, "--dry-run")
    assert (told["added"], told["updated"], told["dry_run"]) == (1, 1, True)
    with Index.open(tmp_path / "index") as index:
        assert len(index) == 12
        assert index.get("d1").text == records(2)[1]["text"]


def test_an_empty_file_makes_no_index(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    result = run("add", "index", "empty.jsonl", "--encoder", "none")
    assert result.returncode == 1
    assert "There is no document to add: empty.jsonl: There are no records" in result.stderr
    assert not (tmp_path / "index").exists()


def test_a_first_addition_that_fails_leaves_no_index_behind(
    run: Run, docs: str, tmp_path: Path
) -> None:
    nowhere = ("--encoder", "transformer:/nowhere/model")
    result = run("add", "new/index", docs, *nowhere)
    assert result.returncode == 1
    assert "/nowhere/model" in result.stderr
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    assert run("add", "mine", docs, *nowhere).returncode == 1
    assert list((tmp_path / "mine").iterdir()) == []
    assert added(run, "mine", docs, "--encoder", "none")["added"] == 12


def test_a_later_addition_that_fails_takes_nothing_away(
    run: Run, docs: str, tmp_path: Path
) -> None:
    added(run, "index", docs, "--encoder", "none")
    assert run("add", "index", docs, "--encoder", "transformer:/nowhere").returncode == 1
    with Index.open(tmp_path / "index") as index:
        assert len(index) == 12


def test_a_source_that_is_missing_stops_all_before_anything_is_done(
    run: Run, docs: str, tmp_path: Path
) -> None:
    result = run("add", "index", docs, "nowhere.jsonl", "--encoder", "none")
    assert result.returncode == 1
    assert "The source 'nowhere.jsonl' does not exist." in result.stderr
    assert not (tmp_path / "index").exists()


def test_an_unknown_format_and_an_unknown_encoder_name_the_known_ones(
    run: Run, docs: str, tmp_path: Path
) -> None:
    result = run("add", "index", docs, "--format", "doc")
    assert result.returncode == 1
    assert "The format 'doc' is unknown. Use one of jsonl, csv" in result.stderr
    result = run("add", "index", docs, "--encoder", "glove")
    assert result.returncode == 1
    assert "There is no encoder 'glove'. Use one of: latent, static" in result.stderr
    assert not (tmp_path / "index").exists()


def test_another_encoder_than_the_index_has_is_refused(run: Run, docs: str) -> None:
    added(run, "index", docs, "--encoder", "none")
    result = run("add", "index", docs, "--encoder", "latent")
    assert result.returncode == 1
    assert "was built with the encoder 'none'" in result.stderr
    assert "everygrain reencode index --encoder latent" in result.stderr


def test_another_language_than_the_index_has_is_refused(run: Run, docs: str) -> None:
    added(run, "index", docs, "--encoder", "none", "--language", "de")
    assert run("add", "index", docs, "--language", "de").returncode == 0
    result = run("add", "index", docs, "--language", "en")
    assert result.returncode == 1
    assert "is for the language 'de', not 'en'" in result.stderr
    assert run("add", "index", docs, "--keep-stop-words").returncode == 1


def test_a_language_that_is_none_is_refused_and_one_without_stems_is_said(
    run: Run, docs: str, tmp_path: Path
) -> None:
    for unknown in ("English", "xx", ""):
        result = run("add", "index", docs, "--encoder", "none", "--language", unknown)
        assert result.returncode == 2
        said = " ".join(result.stderr.replace("│", " ").split())
        assert f"'{unknown}' is no ISO 639-1 code of a language. Stems are known for ar," in said
    assert not (tmp_path / "index").exists()
    told = added(run, "index", docs, "--encoder", "none", "--language", "ja")
    assert told["notes"] == [
        "There are no stems for the language 'ja': words are found as they are written."
    ]


def test_stop_words_are_kept_on_wish(run: Run, docs: str) -> None:
    added(run, "index", docs, "--encoder", "none", "--keep-stop-words")
    assert json.loads(run("search", "index", "the", "--json").stdout)["hits"]


def test_an_index_that_is_a_file_or_holds_other_files_is_refused(
    run: Run, docs: str, tmp_path: Path
) -> None:
    result = run("add", docs, docs, "--encoder", "none")
    assert result.returncode == 1
    assert "docs.jsonl is a file. Name a folder for the index." in result.stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    result = run("add", "mine", docs, "--encoder", "none")
    assert result.returncode == 1
    assert "The folder mine holds other files." in result.stderr
    assert run("add", "", docs, "--encoder", "none").returncode == 2


def test_rejects_that_cannot_be_written_are_an_error_with_the_path(run: Run, docs: str) -> None:
    result = run("add", "index", docs, "--encoder", "none", "--rejects", "no/such/file")
    assert result.returncode == 1
    assert "'no/such/file': No such file or directory." in result.stderr


def test_a_terminal_sees_how_far_it_is_and_a_file_sees_the_report_alone(
    tmp_path: Path, docs: str
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "add", "index", docs, "--encoder", "none"], cwd=tmp_path,
        env=environment(TERM="xterm", COLUMNS="120"), stdout=subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # how a terminal ends on Linux
        pass
    os.close(ours)
    assert process.stdout is not None
    told = process.stdout.read().decode()
    assert process.wait(60) == 0
    assert "Indexing" in shown.decode()
    assert "12 of 12" in shown.decode()
    assert "/s" in shown.decode()
    assert told.startswith("Added 12")
    assert "\x1b" not in told


def test_rejects_are_never_written_over_what_is_read(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "notes.jsonl"
    source.write_text('{"id": "a", "text": "bread"}\n', encoding="utf-8")
    for rejects in ("notes.jsonl", "./notes.jsonl"):
        result = run("add", "index", "notes.jsonl", "--encoder", "none", "--rejects", rejects)
        assert result.returncode == 2
        assert "would be overwritten" in result.stderr
    assert source.read_text(encoding="utf-8") == '{"id": "a", "text": "bread"}\n'
    assert not (tmp_path / "index").exists()

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read import read

LINE = b'{"id": "a", "text": "t"}\n'
A = Document("a", "t")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere.jsonl", r"nowhere\.jsonl' does not exist"),
        ("", "empty"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        (io.StringIO("text"), "mode 'rb'"),
    ],
)
def test_a_source_that_cannot_be_read_raises_before_anything_is_read(source, said):
    with pytest.raises(InputError, match=said):
        read(source)


@pytest.fixture
def unprivileged():
    """Run as an ordinary user, since root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_a_source_without_permission_raises(tmp_path, request):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINE)
    path.chmod(0)
    request.getfixturevalue("unprivileged")
    with pytest.raises(InputError, match=r"a\.jsonl' cannot be read: Permission denied"):
        read(path)


def test_within_a_folder_what_may_not_be_read_is_a_reject(tmp_path, request):
    for folder in (tmp_path, *tmp_path.parents):
        if folder == tmp_path or folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    for name, mode in (("closed", 0), ("unsearchable", 0o444)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("x")
        (tmp_path / name).chmod(mode)
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "secret.txt").chmod(0)
    (tmp_path / "z.txt").write_text("kept")
    request.getfixturevalue("unprivileged")
    rejects = []
    assert [document.id for document in read(tmp_path, on_reject=rejects.append)] == ["z.txt"]
    assert len(rejects) == 3
    assert all("Permission denied" in reject.reason for reject in rejects)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.docx", b"PK\x03\x04\x00"), ("a.xyz", b"words"), ("nameless", b"\x00\x01")],
)
def test_an_unknown_format_raises_and_lists_the_formats(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"(?s){name}.*jsonl, csv, tsv, parquet, text, markdown"):
        read(tmp_path / name)


def test_a_format_that_does_not_exist_raises_and_lists_the_formats(tmp_path):
    with pytest.raises(InputError, match=r"'jsnl'.*jsonl, csv"):
        read(tmp_path, format="jsnl")


def test_a_name_that_claims_gzip_falsely_raises(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(LINE)
    with pytest.raises(InputError, match="not gzip"):
        read(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize("cut", [5, 12, -8, -1])
def test_a_gzip_cut_anywhere_is_truncated(reading, cut):
    documents, rejects = reading("a.jsonl.gz", gzip.compress(LINE)[:cut])
    assert documents in ([], [A])
    assert "truncated" in rejects[-1].reason


def test_a_gzip_with_a_wrong_checksum_is_damaged(reading):
    packed = bytearray(gzip.compress(LINE))
    packed[-6] ^= 1
    documents, rejects = reading("a.jsonl.gz", bytes(packed))
    assert documents == [A]
    assert "damaged" in rejects[-1].reason


def test_a_folder_is_read_in_order_and_what_is_skipped_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.txt").write_text("two")
    (tmp_path / "b" / "1.md").write_text("one")
    (tmp_path / "a.jsonl").write_bytes(b"broken\n" + LINE)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.txt").write_text("x")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    (tmp_path / "dead.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "empty.csv").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.txt")
    rejects = []
    documents = list(read(tmp_path, on_reject=rejects.append))
    assert [document.id for document in documents] == ["a", "b/1.md", "b/2.txt"]
    reasons = {Path(reject.source).name: reject.reason for reject in rejects}
    assert list(reasons) == [
        ".hidden", "a.jsonl", "dead.txt", "empty.csv", "image.png", "loop", "pipe.txt",
    ]  # fmt: skip
    assert "Hidden" in reasons[".hidden"]
    assert "Not JSON" in reasons["a.jsonl"]
    assert "No such file" in reasons["dead.txt"]
    assert "no records" in reasons["empty.csv"]
    assert "format" in reasons["image.png"]
    assert "link" in reasons["loop"]
    assert "pipe" in reasons["pipe.txt"]


def test_an_empty_folder_gives_a_notice(tmp_path):
    rejects = []
    assert list(read(tmp_path, on_reject=rejects.append)) == []
    assert "no records" in rejects[0].reason


def test_a_file_name_that_cannot_be_an_id_is_a_reject(tmp_path):
    (tmp_path / "a\nb.txt").write_text("x")
    rejects = []
    assert list(read(tmp_path, on_reject=rejects.append)) == []
    assert "line break" in rejects[0].reason


def test_without_on_reject_what_is_broken_is_logged(tmp_path, caplog):
    (tmp_path / "a.jsonl").write_bytes(b"broken\n" + LINE)
    assert list(read(tmp_path / "a.jsonl")) == [A]
    assert "a.jsonl, 1: Not JSON" in caplog.text


def test_standard_input_is_read_in_the_format_it_has():
    program = "from everygrain.read import read; print([d.id for d in read('-')])"
    for given in (LINE, gzip.compress(LINE), b"id\x20"):
        command = [sys.executable, "-c", program]
        run = subprocess.run(command, input=given, capture_output=True, check=True)
        told = run.stdout.decode().strip()
        assert told.startswith("['text-") if given == b"id\x20" else told == "['a']"


def test_texts_from_standard_input_have_ids_of_their_content():
    program = "from everygrain.read import read; print(next(read('-')).id)"

    def identity(given):
        command = [sys.executable, "-c", program]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    assert identity(b"one text") == identity(b"one text") != identity(b"another text")


def test_a_stream_is_read_and_left_open():
    stream = io.BytesIO(LINE)
    assert list(read(stream)) == [A]
    assert not stream.closed


def test_an_open_file_is_named_in_rejects(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"broken\n")
    rejects = []
    with open(tmp_path / "a.jsonl", "rb") as stream:
        assert list(read(stream, on_reject=rejects.append)) == []
        assert not stream.closed
    assert rejects[0].source == str(tmp_path / "a.jsonl")


def test_a_named_pipe_can_be_a_source(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["sh", "-c", f"printf '{LINE.decode()}' > {tmp_path}/pipe"])
    assert list(read(tmp_path / "pipe")) == [A]
    assert writer.wait() == 0


def test_the_format_can_be_given_against_the_ending(tmp_path):
    (tmp_path / "a.txt").write_bytes(LINE)
    assert list(read(tmp_path / "a.txt", format="jsonl")) == [A]


def test_two_documents_with_one_id_are_both_given(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(LINE * 2)
    assert list(read(str(tmp_path / "a.jsonl"))) == [A, A]


def test_a_file_that_is_one_document_may_be_given_another_id_and_keeps_its_format(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.md").write_text("# Of mills\n")
    (tmp_path / "r.jsonl").write_bytes(LINE)
    asked = []

    def id_of(path, identity):
        asked.append((path, identity))
        return f"mine {len(asked)}"

    marked, record = read(tmp_path, id_of=id_of)
    assert (marked.id, marked.title, record) == ("mine 1", "Of mills", A)
    assert asked[0] == (tmp_path / "deep" / "a.md", "deep/a.md")
    (alone,) = read(tmp_path / "deep" / "a.md", id_of=lambda path, identity: identity.upper())
    assert alone.id == "A.MD"

"""What an index does when its files are damaged: it is told, found and repaired."""

import shutil
import sqlite3

import pytest

from everygrain.document import Document
from everygrain.engine import Index
from everygrain.errors import (
    EverygrainError,
    StoredIndexError,
)
from everygrain.index.doctor import examine, repair
from everygrain.index.files import read_arrays
from everygrain.index.store import Store

from .encoders import BagHash
from .filling import (
    everything,
    filled,
    outcome,
)

# damaged files


def segment_files(folder):
    return sorted((folder / "segments").rglob("*.safetensors"))


def damage_cases(path):
    """Yield (what, how a file is damaged)."""
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    yield "missing", None
    yield "empty", b""
    yield "cut in the middle", whole[: len(whole) // 2]
    yield "one byte short", whole[:-1]
    yield "one byte long", whole + b"x"
    for at in (0, 7, 8, 20, header // 2, header - 1, header, (header + len(whole)) // 2, -1):
        flipped = bytearray(whole)
        flipped[at] ^= 0x41
        yield f"flipped at {at} of {len(whole)}", bytes(flipped)


@pytest.mark.parametrize("which", range(4))
def test_a_damaged_file_is_told_found_and_repaired_to_the_last_bit(tmp_path, which):
    folder, spare = tmp_path / "index", tmp_path / "spare"
    store = filled(folder)
    before = everything(store)
    store.close()
    shutil.copytree(folder, spare)
    name = segment_files(folder)[which].relative_to(folder)
    for what, content_of in damage_cases(spare / name):
        shutil.rmtree(folder)
        shutil.copytree(spare, folder)
        if content_of is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content_of)
        searched = outcome(lambda: everything(Store(folder)))
        if isinstance(searched, StoredIndexError):
            assert name.parts[1] in str(searched), what
            assert "doctor" in searched.remedy
        else:  # a flipped byte within an array shows in nothing but what it changes
            assert "flipped" in what
            assert len(searched) == len(before)
        findings = examine(folder)
        assert [f.segment for f in findings] == [name.parts[1]], what
        assert all("--repair" in finding.remedy for finding in findings)
        assert repair(folder) == [], what
        assert everything(Store(folder)) == before, what


def test_every_byte_of_a_header_may_be_flipped_and_only_our_errors_come(tmp_path):
    store = filled(tmp_path / "index", count=6)
    store.close()
    path = segment_files(tmp_path / "index")[0]
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    copy = tmp_path / path.name
    for at in range(header):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        copy.write_bytes(flipped)
        read = outcome(read_arrays, copy)
        assert isinstance(read, dict) or path.name in str(read)


def test_nonsense_in_an_array_is_told_as_damage_where_a_search_stumbles_over_it(tmp_path):
    store = filled(tmp_path / "index")
    store.close()
    for path in segment_files(tmp_path / "index"):
        if path.name.startswith("lexical"):
            whole = bytearray(path.read_bytes())
            header = 8 + int.from_bytes(whole[:8], "little")
            whole[header:] = b"\xff" * (len(whole) - header)
            path.write_bytes(whole)
    index = Index.open(tmp_path / "index")
    with pytest.raises(StoredIndexError, match="damaged"):
        index.search("red apple")
    assert examine(tmp_path / "index")


def test_a_damaged_catalogue_is_told_with_what_to_do(tmp_path):
    folder = tmp_path / "index"
    filled(folder, count=400).close()
    catalogue = folder / "catalogue.db"
    whole = catalogue.read_bytes()
    told = 0
    for start in range(0, len(whole), 4096 * 3):
        damaged = bytearray(whole)
        damaged[start : start + 4096] = b"\x5a" * min(4096, len(whole) - start)
        catalogue.write_bytes(damaged)
        findings = outcome(examine, folder)
        if isinstance(findings, EverygrainError):
            assert "catalogue" in str(findings)
            findings = [findings]
        told += bool(findings)
        assert all(finding.remedy for finding in findings)
        searched = outcome(lambda: everything(Store(folder)))
        assert isinstance(searched, list) or searched.remedy
    assert told >= len(range(0, len(whole), 4096 * 3)) - 2  # a page may be free


def test_a_text_changed_behind_our_back_is_found(tmp_path):
    store = filled(tmp_path / "index")
    catalogue = sqlite3.connect(tmp_path / "index" / "catalogue.db")
    catalogue.execute("UPDATE texts SET text = text || '!' WHERE title = 'Title 4'")
    catalogue.commit()
    catalogue.close()
    [finding] = examine(tmp_path / "index")
    assert "'d4'" in finding.problem
    assert "again" in finding.remedy
    store.close()


def test_a_missing_encoder_is_found_and_lexical_search_goes_on(tmp_path):
    store = filled(tmp_path / "index")
    store.close()
    shutil.rmtree(tmp_path / "index" / "encoders")
    [finding] = examine(tmp_path / "index")
    assert "encoder" in finding.problem
    assert "reencode" in finding.remedy
    with Index.open(tmp_path / "index") as index:
        assert index.search("red apple", system="lexical")
        with pytest.raises(EverygrainError, match="reencode"):
            index.search("red apple", system="dense")


def test_an_addition_that_needs_a_file_that_is_gone_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("everygrain.index.writer.FANOUT", 2)
    with Index(tmp_path / "i", "none", words=BagHash()) as index:
        index.add([Document("a", "A river of stones.")])
    for file in (tmp_path / "i").glob("segments/*/words-*"):
        file.unlink()
    with Index.open(tmp_path / "i", words=BagHash()) as index:
        added = [Document("b", "A river of sand.")]
        with pytest.raises(StoredIndexError, match=r"words-.* is missing. Run `everygrain doctor"):
            index.add(added)

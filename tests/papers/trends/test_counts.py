"""Word numbers of papers: adding, removing, keeping, and damage."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError, StorageError, StoredIndexError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.counts import TermCounts
from everygrain_papers.trends.table import table
from everygrain_papers.trends.words import MOST_WORDS, stem, surfaces


def paper(number, text="graph models"):
    return Paper(f"p{number}", f"On {text}", f"We study {text} and maps.", year=2000 + number % 5)


def told(counts):
    """Return what counts hold, whatever the numbers of words."""
    words = counts.vocabulary
    return {
        id: ([words[each] for each in counts.words(id)[0]], counts.words(id)[1], date, venue)
        for id, date, venue in zip(counts.ids, counts.dates.tolist(), counts.venues, strict=True)
    }


def test_a_missing_file_and_damaged_ones_are_told_apart(tmp_path):
    path = tmp_path / "counts.npz"
    with pytest.raises(InputError, match="no term counts"):
        TermCounts.load(path)
    TermCounts([paper(1), paper(2)]).save(path)
    whole = path.read_bytes()
    for bad in (b"", b"not an archive", whole[: len(whole) // 2], whole[:-30] + b"\0" * 30):
        path.write_bytes(bad)
        with pytest.raises(StoredIndexError, match="damaged"):
            TermCounts.load(path)


def test_a_file_with_pickled_objects_is_not_read(tmp_path):
    path = tmp_path / "counts.npz"
    np.savez(path, told=np.array([{"format": 1}], dtype=object))
    with pytest.raises(StoredIndexError, match="damaged"):
        TermCounts.load(path)


def test_numbers_beyond_the_vocabulary_are_damage(tmp_path):
    path = tmp_path / "counts.npz"
    TermCounts([paper(1)]).save(path)
    with np.load(path) as kept:
        arrays = dict(kept)
    arrays["words"][0] = 10_000
    np.savez(path, **arrays)
    with pytest.raises(StoredIndexError, match="damaged"):
        TermCounts.load(path)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        TermCounts([paper(1)]).save(tmp_path / "file" / "counts.npz")


def test_what_is_saved_comes_back(tmp_path):
    counts = TermCounts([paper(1), paper(2, "Bäume, größer"), Paper("x", "Title", venue="v")])
    counts.remove(["p1"])
    counts.save(tmp_path / "counts.npz")
    back = TermCounts.load(tmp_path / "counts.npz")
    assert told(back) == told(counts)
    back.add([paper(9)])
    counts.add([paper(9)])
    assert told(back) == told(counts)
    assert [path.name for path in tmp_path.iterdir()] == ["counts.npz"]


def test_empty_counts_come_back(tmp_path):
    TermCounts().save(tmp_path / "counts.npz")
    assert len(TermCounts.load(tmp_path / "counts.npz")) == 0


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 7), st.sampled_from(["deep nets", "old maps"])),
        max_size=25,
    )
)
@settings(max_examples=40, deadline=None)
def test_adding_and_removing_equals_counting_what_is_left(changes):
    counts, held = TermCounts(), {}
    for adding, number, text in changes:
        if adding:
            counts.add([paper(number, text)])
            held.pop(f"p{number}", None)
            held[f"p{number}"] = paper(number, text)
        else:
            counts.remove([f"p{number}"])
            held.pop(f"p{number}", None)
    anew = TermCounts(held.values())
    assert told(counts) == told(anew)
    one, other = table(counts, counts.ids, 2), table(anew, anew.ids, 2)
    assert {t: one.within[i].indices.tolist() for i, t in enumerate(one.terms)} == {
        t: other.within[i].indices.tolist() for i, t in enumerate(other.terms)
    }
    with tempfile.TemporaryDirectory() as folder:
        counts.save(Path(folder) / "counts.npz")
        assert told(TermCounts.load(Path(folder) / "counts.npz")) == told(anew)


def test_words_are_read_with_breaks_for_what_no_term_goes_across():
    told_words = surfaces("Deep nets, 3D-aware: $\\alpha$ <b>in</b> 2024 (see https://a.b/c)")
    kept = [word for word in told_words if word]
    assert kept == ["Deep", "nets", "3D-aware", "in", "see"]
    assert told_words[2] == ""


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("LLMs", "llm"),
        ("analysis", "analysis"),
        ("losses", "loss"),
        ("boxes", "box"),
        ("policies", "policy"),
        ("graph's", "graph"),
        ("gas", "gas"),
        ("glass", "glass"),
        ("torus", "torus"),
        ("Models", "model"),
        ("models’", "model"),
    ],
)
def test_plurals_and_possessives_are_counted_with_their_word(word, wanted):
    assert stem(word) == wanted


def test_a_paper_of_a_megabyte_is_read_up_to_its_limit():
    counts = TermCounts([Paper("a", "Title", "word " * 200_000)])
    assert counts.words("a")[0].size == MOST_WORDS


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_is_counted_and_kept(texts):
    papers = [Paper(f"p{n}", f"T {text}", text * 3) for n, text in enumerate(texts)]
    counts = TermCounts(papers)
    table(counts, counts.ids, 1)
    with tempfile.TemporaryDirectory() as folder:
        counts.save(Path(folder) / "counts.npz")
        assert told(TermCounts.load(Path(folder) / "counts.npz")) == told(counts)

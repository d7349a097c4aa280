"""A segment on disk: its terms, its ids, its checksums, and which segments are merged."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import Analyzer
from everygrain.document import Document
from everygrain.errors import StoredIndexError
from everygrain.index import postings, vectors
from everygrain.index.catalogue import SegmentRow
from everygrain.index.segment import LEXICAL, Segment, dense_name, digest, write_segment
from everygrain.index.writer import FANOUT, SMALL, plan_merge, tier

ANALYZER = Analyzer("en", stemmer="none", stop_words=False)


def segment_of(folder, texts):
    batch = [Document(f"é{i}", text, f"t{i}") for i, text in enumerate(texts)]
    arrays = postings.build([d.id for d in batch], *vectors.split_fields(batch), ANALYZER)
    digests = write_segment(folder, {LEXICAL: arrays})
    return Segment(folder, SegmentRow(1, folder.name, len(batch), None, 0, digests))


def test_every_term_is_found_by_bisection_and_no_other(tmp_path):
    generator = random.Random(1)
    letters = "abcé梨ß𝒳"
    words = {"".join(generator.choices(letters, k=generator.randint(1, 4))) for _ in range(300)}
    segment = segment_of(tmp_path / "s", [" ".join(sorted(words)), "other"])
    present = {term for word in words for term in ANALYZER.query(word)} | {"other", "t0", "t1"}
    for term in present:
        places, titles, texts = segment.postings(term)
        assert len(places) == len(titles) == len(texts) >= 1
    numbers = sorted(present, key=str.encode)
    assert [segment.term_number(term) for term in numbers] == list(range(len(numbers)))
    for term in ("", "a" * 50, "\x00", "\U0010ffff", "othe", "others", *(w + "!" for w in words)):
        assert segment.term_number(term) is None
        assert segment.postings(term) is None


def test_ids_and_tokens_are_those_of_the_documents(tmp_path):
    segment = segment_of(tmp_path / "s", ["red apple", "", "apple apple red"])
    assert [segment.document_id(i) for i in range(len(segment))] == ["é0", "é1", "é2"]
    red, apple = segment.term_number("red"), segment.term_number("apple")
    tokens, of_title = segment.tokens(2)
    assert of_title == 1
    assert tokens[of_title:].tolist() == [apple, apple, red]


def test_checksums_are_those_of_the_files_and_nothing_else_is_left(tmp_path):
    segment = segment_of(tmp_path / "s", ["red apple"])
    assert segment.row.digests == {LEXICAL: digest(tmp_path / "s" / LEXICAL)}
    assert [path.name for path in (tmp_path / "s").iterdir()] == [LEXICAL]
    segment.check_files()
    with open(tmp_path / "s" / LEXICAL, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    with pytest.raises(StoredIndexError, match="damaged"):
        segment.check_files()


def test_a_segment_of_another_number_of_documents_is_refused(tmp_path):
    row = segment_of(tmp_path / "s", ["a", "b"]).row
    with pytest.raises(StoredIndexError, match="3 documents"):
        Segment(tmp_path / "s", SegmentRow(1, "s", 3, None, 0, row.digests))


def test_a_file_written_again_leaves_what_was_mapped_before_as_it_was(tmp_path):
    segment = segment_of(tmp_path / "s", ["red apple"])
    before = segment.lexical["terms"].tobytes()
    segment_of(tmp_path / "s", ["something else"])
    assert segment.lexical["terms"].tobytes() == before


def test_vectors_of_different_encoders_have_files_of_different_names():
    names = {dense_name(f"encoder-{i}") for i in range(1000)}
    assert len(names) == 1000
    assert dense_name("../../x").startswith("dense-")
    assert "/" not in dense_name("../../x")


# which segments are merged


def test_size_classes_grow_eightfold():
    assert [tier(n) for n in (0, 1, SMALL, SMALL + 1, 8 * SMALL, 8 * SMALL + 1, 64 * SMALL)] == [
        0, 0, 0, 1, 1, 2, 2,
    ]  # fmt: skip


def test_a_segment_that_is_half_dead_is_rewritten_alone():
    assert plan_merge([10, 5, 7], [0, 5, 2]) == [1]
    assert plan_merge([10, 6, 7], [0, 5, 2]) == []
    assert plan_merge([0], [3]) == [0]
    assert plan_merge([], []) == []


def test_eight_of_a_class_take_all_smaller_ones_along():
    large, small = [2 * SMALL] * FANOUT, [5] * 3
    assert plan_merge(large + small, [0] * 11) == list(range(11))
    assert plan_merge(large[1:] + small, [0] * 10) == []
    assert plan_merge([5] * FANOUT + large[1:], [0] * 15) == list(range(FANOUT))


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 3_000)), max_size=60))
def test_there_are_never_eight_segments_of_a_class_and_merging_ends(commits):
    """Each commit adds some documents and deletes some, as `Writer.add` and `delete` do."""
    live, dead, generator, written, total = [], [], random.Random(0), 0, 0
    for added, deleted in commits:
        if added:
            live.append(added)
            dead.append(0)
            total += added
        while deleted and any(live):
            i = generator.choice([i for i, n in enumerate(live) if n])
            some = min(deleted, live[i])
            live[i], dead[i], deleted = live[i] - some, dead[i] + some, deleted - some
        for _ in range(1000):
            merged = plan_merge(live, dead)
            if not merged:
                break
            kept = sum(live[i] for i in merged)
            written += kept
            live = [n for i, n in enumerate(live) if i not in merged] + [kept] * bool(kept)
            dead = [n for i, n in enumerate(dead) if i not in merged] + [0] * bool(kept)
        else:
            pytest.fail("merging does not end")
        classes = [tier(n) for n in live]
        assert all(classes.count(each) < FANOUT for each in classes)
        assert all(gone < alive for alive, gone in zip(live, dead, strict=True) if gone)
    assert written <= total * (tier(max(total, 1)) + 1) * 4

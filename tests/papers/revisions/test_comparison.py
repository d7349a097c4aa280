"""Two versions of a text: exact offsets, changes that make the new of the old."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.revisions import compare

OLD = (
    "We study bees. They may dance in the hive, and they carry pollen. Our method reaches "
    "81.2 % accuracy on three sets. It is fast. We release the code."
)
NEW = (
    "We study honey bees. Our methods reach 83.5 % accuracy on three sets. They dance in the "
    "hive. They carry pollen. We release the code."
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["Bees fly.", "We count 3 bees.", " ", "\n\n", "It may rain", ". ", "Ä", "\\alpha $x$",
             "e.g. this.", "We count 4 bees.", "  ", "\x00", "é́"]
        ),
        max_size=12,
    ).map(" ".join),
)  # fmt: skip


def check(old, new):
    """The laws: all is covered once, in the new order; same is same; changes make the new text."""
    told = compare(old, new)
    parts = [part for each in told.sentences for part in each.parts]
    covered = sorted(i for part in parts for i in range(part.old_start, part.old_end))
    assert covered == list(range(len(old)))
    covered = [i for part in parts for i in range(part.new_start, part.new_end)]
    assert covered == list(range(len(new)))
    for part in parts:
        before, after = old[part.old_start : part.old_end], new[part.new_start : part.new_end]
        assert part.kind == "same" if before == after else part.inserted == after
        assert (part.kind == "insert") == (not before and bool(after))
        assert (part.kind == "delete") == (bool(before) and not after)
    for each in told.sentences:
        places = [each.old[0], *(part.old_end for part in each.parts)]
        assert places == sorted(places)
        assert places[-1] == each.old[1]
    assert told.apply(old) == new
    assert [change.part for change in told.changes] == [p for p in parts if p.kind != "same"]
    return told


def test_a_revision_is_told_sentence_by_sentence():
    told = check(OLD, NEW)
    kinds = [(each.kind, each.group.moved) for each in told.sentences]
    assert kinds == [
        ("changed", False), ("changed", True), ("deleted", False), ("split", False),
        ("same", False),
    ]  # fmt: skip
    changes = [(c.part.kind, c.deleted, c.part.inserted, c.intention) for c in told.changes]
    assert changes == [
        ("insert", "", "honey ", "content added"),
        ("replace", "method reaches 81.2", "methods reach 83.5", "numbers changed"),
        ("delete", "It is fast. ", "", "content removed"),
        ("delete", " may", "", "claim strengthened"),
        ("replace", ", and they", ". They", "typo or grammar"),
    ]


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_any_two_texts_keep_the_laws(old, new):
    check(old, new)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_a_text_against_itself_has_no_change(text):
    told = check(text, text)
    assert not told.changes
    assert not told.is_changed
    assert all(each.kind == "same" for each in told.sentences)


def test_a_moved_sentence_alone_is_a_change():
    told = check("Bees fly. Ants walk on land.", "Ants walk on land. Bees fly.")
    assert told.is_changed
    assert any(each.group.moved for each in told.sentences)


def test_empty_texts_are_compared():
    assert check("", "").sentences == ()
    assert [each.kind for each in check("", "Bees fly.").sentences] == ["added"]
    assert [each.kind for each in check("Bees fly.", "").sentences] == ["deleted"]
    assert [change.part.kind for change in check(" ", "\n").changes] == ["replace"]


def test_changes_are_not_applied_to_another_text():
    with pytest.raises(InputError, match="3 characters, the old version had 9"):
        compare("Bees fly.", "Ants walk.").apply("Ant")


def test_a_version_of_megabytes_is_refused():
    with pytest.raises(InputError, match="2,000,001 characters"):
        compare("", "x" * 2_000_001)


def test_versions_of_ten_thousand_sentences_are_compared():
    old = " ".join(f"Sentence {i} tells of bee number {i}." for i in range(10_000))
    new = old.replace("bee number 777.", "wasp number 777.")
    told = check(old, new)
    assert [change.deleted for change in told.changes] == ["bee"]

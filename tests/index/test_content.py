"""A document's hash tells it from any other, and is the same for what the catalogue gives back."""

import hashlib
import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.index.content import content_hash

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=4)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)  # fmt: skip
KEYS = st.text(max_size=3) | st.integers(0, 3) | st.booleans() | st.none()


def by_the_long_way(document):
    """The hash of what comes back from JSON, keys in order."""
    metadata = json.loads(json.dumps(document.metadata, ensure_ascii=False))
    told = json.dumps(metadata, sort_keys=True, ensure_ascii=False).encode()
    hashed = hashlib.blake2b(digest_size=16)
    for part in (document.title.encode(), document.text.encode(), told):
        hashed.update(len(part).to_bytes(8, "little") + part)
    return hashed.digest()


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_the_short_way_for_flat_metadata_gives_the_hash_of_the_long_way(metadata):
    document = Document("a", "text", "title", metadata)
    assert content_hash(document) == by_the_long_way(document)
    stored = json.loads(json.dumps(metadata))
    assert content_hash(Document("b", "text", "title", stored)) == content_hash(document)


def test_tuples_and_other_kinds_of_text_and_number_are_as_json_reads_them():
    class Name(str):
        pass

    one = Document("a", "", "", {"k": (1, 2), Name("n"): Name("v")})
    other = Document("a", "", "", {"n": "v", "k": [1, 2]})
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize(
    "metadata",
    [{"a": float("nan")}, {"a": [float("inf")]}, {"a": {1}}, {"a": b"b"}, MappingProxyType({})],
)
def test_what_json_cannot_hold_is_refused(metadata):
    with pytest.raises(InputError, match="cannot be stored as JSON"):
        content_hash(Document("a", "", "", metadata))

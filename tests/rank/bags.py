"""Random bags of word vectors, for the tests of late interaction."""

import numpy as np
from hypothesis import strategies as st

from everygrain.encode.words.base import Bags


def made(generator, lengths, dimensions, vocabulary=40, most=127):
    """Return bags of so many words each, words distinct within a bag and sorted."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    words = [np.sort(generator.choice(vocabulary, size=n, replace=False)) for n in lengths]
    vectors = generator.integers(-most, most + 1, size=(offsets[-1], dimensions))
    return Bags(
        np.concatenate([np.zeros(0), *words]).astype(np.uint32), vectors.astype(np.int8), offsets
    )


@st.composite
def cases(draw):
    """Return a query's bag and documents' bags; some are empty, and products tie often."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dimensions = draw(st.integers(1, 6))
    most = draw(st.sampled_from([1, 3, 127]))
    query = made(generator, [draw(st.integers(0, 5))], dimensions, most=most)
    lengths = draw(st.lists(st.integers(0, 9), max_size=9))
    return query, made(generator, lengths, dimensions, most=most)


def products(query, documents):
    """Return, by loops, products[document][query word] = {word of the document: product}."""
    found = []
    for start, end in zip(documents.offsets, documents.offsets[1:], strict=False):
        rows = []
        for asked in query.vectors.tolist():
            rows.append(
                [
                    sum(a * b for a, b in zip(asked, vector, strict=True))
                    for vector in documents.vectors[start:end].tolist()
                ]
            )
        found.append(rows)
    return found

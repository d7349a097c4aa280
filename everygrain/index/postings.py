"""The lexical leg of a segment: which documents hold a term, how often, and where.

Arrays of a segment of n documents, T terms and P postings:

ids, id_offsets               the documents' ids, UTF-8, in order
terms, term_offsets           the terms, UTF-8, sorted by their bytes
starts                        (T + 1,) int64; term t holds postings starts[t]:starts[t + 1]
documents                     (P,) int32, ascending within a term
title_counts, text_counts     (P,) uint16, occurrences in each field, at most 65,535
title_lengths, text_lengths   (n,) int32, terms in each field, without single characters
                              (bm25s drops those: CISI's nDCG@10 is .414 so, .411 with them)
tokens, token_offsets         int32 terms in order, title then text; -1 is a stop word
title_tokens                  (n,) int32, how many of a document's tokens are its title's
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer, Words, is_mark
from everygrain.index.files import Arrays, pack_strings, unpack_strings

_MOST = np.iinfo(np.uint16).max


def build(ids: Sequence[str], titles: Words, texts: Words, analyzer: Analyzer) -> Arrays:
    """Build the lexical arrays of documents from the words of their titles and texts.

    titles and texts share one vocabulary.
    """
    stems = analyzer.places(titles.vocabulary)
    names = sorted({stem for stem in stems if stem is not None})
    place = {name: i for i, name in enumerate(names)}
    mapping = np.array([-1 if s is None else place[s] for s in stems], dtype=np.int32)
    title_tokens, text_tokens = mapping[titles.ids], mapping[texts.ids]
    # place -1, a stop word, last
    weighs = np.array([*(not is_mark(name) for name in names), False])
    tokens, offsets = _interleave(title_tokens, titles.offsets, text_tokens, texts.offsets)
    from_title, _ = _interleave(
        np.ones(len(title_tokens), dtype=np.int32),
        titles.offsets,
        np.zeros(len(text_tokens), dtype=np.int32),
        texts.offsets,
    )
    starts, documents, title_counts, text_counts = _invert(tokens, offsets, from_title, len(names))
    packed_ids, id_offsets = pack_strings(ids)
    packed_terms, term_offsets = pack_strings(names)
    return {
        "ids": packed_ids,
        "id_offsets": id_offsets,
        "terms": packed_terms,
        "term_offsets": term_offsets,
        "starts": starts,
        "documents": documents,
        "title_counts": title_counts,
        "text_counts": text_counts,
        "title_lengths": _lengths(weighs[title_tokens], titles.offsets),
        "text_lengths": _lengths(weighs[text_tokens], texts.offsets),
        "tokens": tokens,
        "token_offsets": offsets,
        "title_tokens": titles.lengths().astype(np.int32),
    }


def merge(parts: Sequence[tuple[Arrays, npt.NDArray[np.bool_]]]) -> Arrays:
    """Merge segments into one, keeping the documents that are live.

    parts   (arrays, (n,) mask of live documents) of each segment
    """
    vocabularies = [unpack_strings(a["terms"], a["term_offsets"]) for a, _ in parts]
    names = sorted(set().union(*vocabularies))
    place = {name: i for i, name in enumerate(names)}
    merged: dict[str, list[npt.NDArray[np.generic]]] = {}
    ids: list[str] = []
    base = 0
    for (arrays, live), vocabulary in zip(parts, vocabularies, strict=True):
        mapping = np.array([place[name] for name in vocabulary], dtype=np.int32)
        renumbered = np.cumsum(live) - 1 + base
        keep = live[arrays["documents"]]
        terms = np.repeat(mapping, np.diff(arrays["starts"]))
        kept_tokens = np.repeat(live, np.diff(arrays["token_offsets"]))
        tokens = arrays["tokens"][kept_tokens]
        # place -1, a stop word, last, so that it maps to itself
        mapped = np.append(mapping, np.int32(-1))[tokens]
        for name, column in {
            "term": terms[keep],
            "documents": renumbered[arrays["documents"][keep]].astype(np.int32),
            "title_counts": arrays["title_counts"][keep],
            "text_counts": arrays["text_counts"][keep],
            "tokens": mapped,
            "token_lengths": np.diff(arrays["token_offsets"])[live],
            "title_lengths": arrays["title_lengths"][live],
            "text_lengths": arrays["text_lengths"][live],
            "title_tokens": arrays["title_tokens"][live],
        }.items():
            merged.setdefault(name, []).append(column)
        everyone = unpack_strings(arrays["ids"], arrays["id_offsets"])
        ids += [everyone[i] for i in np.flatnonzero(live)]
        base += int(live.sum())
    columns = {name: np.concatenate(pieces) for name, pieces in merged.items()}
    term = columns.pop("term")
    used = np.bincount(term, minlength=len(names))
    # a stable order by term keeps documents ascending, as every part has them so
    order = _stable_order(term, len(names))
    for name in ("documents", "title_counts", "text_counts"):
        columns[name] = columns[name][order]
    held = used > 0
    renaming = np.append(np.cumsum(held) - 1, -1).astype(np.int32)
    columns["tokens"] = renaming[columns["tokens"]]
    columns["token_offsets"] = _offsets(columns.pop("token_lengths"))
    columns["starts"] = _offsets(used[held])
    columns["ids"], columns["id_offsets"] = pack_strings(ids)
    columns["terms"], columns["term_offsets"] = pack_strings(
        [names[i] for i in np.flatnonzero(held)]
    )
    return columns


def _offsets(lengths: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _lengths(
    weighs: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """Count the tokens of each text that weigh: neither stop words nor single characters."""
    before = np.concatenate([[0], np.cumsum(weighs)])
    return np.diff(before[offsets]).astype(np.int32)


def _invert(
    tokens: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    from_title: npt.NDArray[np.int32],
    terms: int,
) -> tuple[
    npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.uint16], npt.NDArray[np.uint16]
]:
    """Turn documents of terms into terms of documents with counts, by scipy's counting sort.

    Both counts travel in one number: an occurrence in the title adds 2**32, one in the text 1.
    """
    from scipy.sparse import csr_array

    kept = tokens >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    value = np.where(from_title[kept], np.int64(1) << 32, 1)
    shape = (len(offsets) - 1, terms)
    columns = csr_array((value, tokens[kept], before[offsets]), shape=shape).tocsc()
    columns.sum_duplicates()
    return (
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
        np.minimum(columns.data >> 32, _MOST).astype(np.uint16),
        np.minimum(columns.data & 0xFFFFFFFF, _MOST).astype(np.uint16),
    )


def _stable_order(keys: npt.NDArray[np.int32], distinct: int) -> npt.NDArray[np.int64]:
    """Return the stable sorting permutation of keys in [0, distinct), by counting."""
    from scipy.sparse import csr_array

    ones = np.ones(len(keys), dtype=np.int8)
    rows = csr_array((ones, keys, np.arange(len(keys) + 1)), shape=(len(keys), max(distinct, 1)))
    order: npt.NDArray[np.int64] = rows.tocsc().indices.astype(np.int64)
    return order


def _interleave(
    first: npt.NDArray[np.int32],
    first_offsets: npt.NDArray[np.int64],
    second: npt.NDArray[np.int32],
    second_offsets: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return each text's first tokens followed by its second ones, and the new offsets."""
    offsets = first_offsets + second_offsets
    tokens = np.empty(int(offsets[-1]), dtype=np.int32)
    tokens[np.arange(len(first)) + np.repeat(second_offsets[:-1], np.diff(first_offsets))] = first
    tokens[np.arange(len(second)) + np.repeat(first_offsets[1:], np.diff(second_offsets))] = second
    return tokens, offsets

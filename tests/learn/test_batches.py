"""Batches: every pair once, and what they promise beyond that."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain.learn.batches import Homogeneous, LengthBuckets, Shuffled, cut, decompose

ORDERS = ("even", "short_first", "cycles")
LENGTHS = st.lists(st.integers(0, 400), max_size=120)


def once(batches, count):
    """Say whether the batches hold the numbers below `count`, each once, and none is empty."""
    found = np.concatenate([np.zeros(0, np.int64), *batches])
    return sorted(found.tolist()) == list(range(count)) and all(len(each) for each in batches)


@given(LENGTHS, st.sampled_from(ORDERS), st.integers(1, 6), st.integers(0, 9), st.integers(0, 3))
def test_every_pair_is_in_exactly_one_batch_by_length(lengths, order, cycles, seed, epoch):
    maker = LengthBuckets(512, 128, order, cycles, seed)
    assert once(maker.epoch(lengths, epoch), len(lengths))


@given(st.lists(st.sampled_from("abcd"), max_size=120), st.integers(1, 20), st.integers(0, 9))
def test_every_pair_is_in_exactly_one_homogeneous_batch(groups, size, seed):
    batches = Homogeneous(size, seed).epoch(groups)
    assert once(batches, len(groups))
    assert all(len({groups[i] for i in batch}) == 1 for batch in batches)
    assert all(len(batch) <= size for batch in batches)


@given(st.integers(0, 200), st.integers(1, 50), st.integers(0, 9), st.integers(0, 3))
def test_every_pair_is_in_exactly_one_shuffled_batch(count, size, seed, epoch):
    batches = Shuffled(size, seed).epoch(count, epoch)
    assert once(batches, count)
    assert max([len(each) for each in batches], default=0) <= size


@given(LENGTHS, st.sampled_from(ORDERS))
def test_no_batch_mixes_buckets_or_holds_more_than_its_words(lengths, order):
    maker = LengthBuckets(256, 64, order)
    for batch in maker.epoch(lengths):
        (bucket,) = {next(b for b in range(7) if lengths[i] <= 2**b or b == 6) for i in batch}
        assert len(batch) * 2**bucket <= 256


def test_buckets_end_at_powers_of_two():
    found = LengthBuckets(1024, 100).buckets([0, 1, 2, 3, 4, 5, 8, 9, 64, 65, 128, 129, 9999])
    assert found.tolist() == [0, 0, 1, 2, 2, 3, 3, 4, 6, 7, 7, 7, 7]


def test_short_first_rises_in_length_and_cycles_do_so_in_every_round():
    lot = np.random.default_rng(0)
    lengths = lot.integers(1, 129, size=2000)
    maker = LengthBuckets(512, 128, "short_first")
    buckets = [int(maker.buckets(lengths[batch]).max()) for batch in maker.epoch(lengths)]
    assert buckets == sorted(buckets)
    rounds = LengthBuckets(512, 128, "cycles", 5)
    buckets = [int(rounds.buckets(lengths[batch]).max()) for batch in rounds.epoch(lengths)]
    assert sum(late < early for early, late in pairwise(buckets)) == 4
    even = LengthBuckets(512, 128, "even")
    buckets = [int(even.buckets(lengths[batch]).max()) for batch in even.epoch(lengths)]
    assert sum(late < early for early, late in pairwise(buckets)) > 10


def test_batches_follow_from_the_seed_and_the_epoch():
    lengths = np.arange(1, 200)
    groups = ["a", "b"] * 50
    for maker, pairs in (
        (LengthBuckets(512, 64), lengths),
        (Homogeneous(8), groups),
        (Shuffled(8), 100),
    ):
        first, again = maker.epoch(pairs), maker.epoch(pairs)
        assert [each.tolist() for each in first] == [each.tolist() for each in again]
        later = maker.epoch(pairs, 1)
        other = type(maker)(**{**maker.__dict__, "seed": 1}).epoch(pairs)
        for changed in (later, other):
            assert [each.tolist() for each in changed] != [each.tolist() for each in first]


def test_a_rest_is_spread_over_the_batches():
    assert [len(each) for each in cut(np.arange(10), 9)] == [5, 5]
    assert [len(each) for each in cut(np.arange(9), 9)] == [9]
    assert cut(np.arange(0), 9) == []


@given(st.integers(0, 5000), st.integers(1, 600), st.integers(1, 8))
def test_pieces_are_powers_of_two_end_to_end(length, longest, least):
    spans = decompose(length, longest, least)
    sizes = [end - start for start, end in spans]
    assert all(size & (size - 1) == 0 and least <= size <= longest for size in sizes)
    assert sizes == sorted(sizes, reverse=True)
    assert [start for start, _ in spans] == [0, *[end for _, end in spans]][: len(spans)]
    if longest >= least:
        # what is left out is shorter than the smallest piece
        smallest = 1 << (least - 1).bit_length()
        if smallest <= longest:
            assert length - sum(sizes) < smallest


def test_thirteen_words_give_eight_four_and_one():
    assert decompose(13, 64) == [(0, 8), (8, 12), (12, 13)]
    assert decompose(13, 4, least=2) == [(0, 4), (4, 8), (8, 12)]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Shuffled(0), "no batch"),
        (lambda: Homogeneous(-1), "no batch"),
        (lambda: LengthBuckets(100, 128), "does not fit"),
        (lambda: LengthBuckets(100, 0), "above 0"),
        (lambda: LengthBuckets(100, 8, cycles=0), "above 0"),
        (lambda: LengthBuckets(100, 8, "random"), "even, short_first, cycles"),
        (lambda: LengthBuckets(100, 8).epoch([3, -1]), "negative"),
        (lambda: decompose(-1, 8), "negative"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, told):
    with pytest.raises(InputError, match=told):
        make()

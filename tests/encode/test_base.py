"""Vectors leave with length 1, or zero, and never NaN."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from everygrain.encode.base import Encoder, FittedEncoder, WordEncoder, unit
from everygrain.encode.latent import Latent


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_rows_get_length_one_or_stay_zero(vectors):
    found = unit(vectors)
    assert found.dtype == np.float32
    for row, given_row in zip(found, vectors.astype(np.float64), strict=True):
        length = np.sqrt(sum(value * value for value in given_row))
        if length > 1e-11:
            assert np.allclose(row, given_row / length, atol=1e-6)
        if not given_row.any():
            assert not row.any()


def test_what_is_not_a_number_never_leaves():
    found = unit(np.array([[np.nan, 1.0], [np.inf, 1.0], [np.nan, np.nan]]))
    assert np.isfinite(found).all()
    assert found[0].tolist() == [0, 1]
    assert not found[2].any()


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_a_row_is_scaled_the_same_alone_or_in_company(rows, seed):
    vectors = np.random.default_rng(seed).standard_normal((rows, 37)).astype(np.float32)
    together = unit(vectors)
    for i in range(rows):
        assert unit(vectors[i : i + 1]).tobytes() == together[i].tobytes()


def test_nothing_is_scaled_to_nothing():
    assert unit(np.zeros((0, 5))).shape == (0, 5)


def test_the_roles_tell_which_encoders_can_do_more():
    latent = Latent.unfitted()
    assert isinstance(latent, Encoder)
    assert isinstance(latent, WordEncoder)
    assert isinstance(latent, FittedEncoder)
    assert not isinstance("text", Encoder)

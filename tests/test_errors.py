"""Every error says what is wrong and what to do about it."""

import pickle

import pytest

from everygrain import errors
from everygrain.errors import EverygrainError

KINDS = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, EverygrainError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_prints_the_problem_and_then_the_remedy(kind):
    error = kind("The file x is gone.", "Bring it back.")
    assert str(error) == "The file x is gone. Bring it back."
    assert (error.problem, error.remedy) == ("The file x is gone.", "Bring it back.")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_can_cross_to_another_process(kind):
    error = pickle.loads(pickle.dumps(kind("Problem.", "Remedy.")))
    assert type(error) is kind
    assert (error.problem, error.remedy) == ("Problem.", "Remedy.")


def test_one_except_clause_catches_what_concerns_a_stored_index():
    for kind in (errors.LockedError, errors.EncoderMismatchError, errors.StorageError):
        assert issubclass(kind, errors.StoredIndexError)
    assert not issubclass(errors.QueryError, errors.StoredIndexError)

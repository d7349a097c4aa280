"""A language model that tests can ask, and nothing of the user's own settings."""

import pytest

from .language_model import LanguageModel


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("EVERYGRAIN_API_KEY", "EVERYGRAIN_OFFLINE"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def model():
    with LanguageModel() as running:
        yield running

"""Encoders keep their files in a folder of this run, not in the user's cache."""

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_CACHE", str(cache))

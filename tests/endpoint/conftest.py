"""A service, an endpoint to it that does not really wait, and no key or switch from outside."""

import pytest

from everygrain.endpoint import Endpoint

from .server import Service


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch):
    for name in ("EVERYGRAIN_API_KEY", "EVERYGRAIN_OFFLINE"):
        monkeypatch.setenv(name, "")  # so that what a test sets is taken back


@pytest.fixture
def service():
    with Service() as running:
        yield running


@pytest.fixture
def waits():
    return []


@pytest.fixture
def endpoint(service, waits):
    return Endpoint(service.url, "m", retries=3, sleep=waits.append)

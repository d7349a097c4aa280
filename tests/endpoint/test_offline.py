"""Offline, a request to another machine fails before any connection; to this one it may go."""

import socket

import pytest

from everygrain.endpoint import Endpoint, go_offline, is_offline
from everygrain.endpoint.offline import is_loopback
from everygrain.errors import ModelError

from .server import vector_of


@pytest.fixture
def connections(monkeypatch):
    """Count what goes to the operating system; this is Python's own, not a part of ours."""
    asked = []

    def refuse(*arguments, **_):
        asked.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return asked


def test_offline_a_request_to_another_machine_is_refused_before_any_connection(
    connections, monkeypatch
):
    endpoint = Endpoint("http://models.example.org/v1", "m", retries=0)
    with pytest.raises(ModelError, match="cannot be reached"):
        endpoint.embed(["a"])
    assert connections  # the same request online does ask
    connections.clear()
    go_offline()
    for ask in (lambda: endpoint.embed(["a"]), lambda: endpoint.complete([])):
        with pytest.raises(ModelError, match=r"--offline is on .*models\.example\.org"):
            ask()
    assert connections == []


def test_offline_this_machine_is_still_asked_and_by_no_proxy(endpoint, service, monkeypatch):
    go_offline()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert endpoint.embed(["a"]) == [vector_of("a")]


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("yes", True), ("", False), ("0", False), ("False", False)]
)
def test_the_environment_turns_the_switch(monkeypatch, value, expected):
    monkeypatch.setenv("EVERYGRAIN_OFFLINE", value)
    assert is_offline() is expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]", "LocalHost."]
)
def test_this_machine_is_known(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "0.0.0.0", "localhost.example.org", "127.0.0.1.nip.io", "127.1", "::2", ""]
)
def test_another_machine_is_not_taken_for_this_one(host):
    assert not is_loopback(host)

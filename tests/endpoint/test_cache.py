"""A question asked twice is sent once, and a damaged file is told or mended."""

import sqlite3

import pytest

from everygrain.endpoint import CachedEndpoint, Completion, Token
from everygrain.errors import ModelError, StorageError

from .server import answer

QUESTION = [{"role": "user", "content": "hi"}]


def test_the_same_question_is_sent_once_also_by_another_process(endpoint, service, tmp_path):
    path = tmp_path / "new" / "completions.db"
    first = CachedEndpoint(endpoint, path).complete(QUESTION, temperature=0, seed=1)
    again = CachedEndpoint(endpoint, path).complete(QUESTION, seed=1, temperature=0)
    assert first == again == Completion("You said: hi", 7, 3, "stop")
    assert len(service.requests) == 1


def test_another_option_model_or_message_is_another_question(endpoint, service, tmp_path):
    cached = CachedEndpoint(endpoint, tmp_path / "completions.db")
    cached.complete(QUESTION)
    cached.complete(QUESTION, seed=1)
    cached.complete([{"role": "system", "content": "hi"}])
    other = type(endpoint)(endpoint.url, "other")
    CachedEndpoint(other, tmp_path / "completions.db").complete(QUESTION)
    assert len(service.requests) == 4


def test_log_probabilities_are_kept(endpoint, service, tmp_path):
    token = {"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "no", "logprob": -3}]}
    choice = {"message": {"content": "yes"}, "logprobs": {"content": [token]}}
    service.faults.append(answer(content={"choices": [choice]}))
    cached = CachedEndpoint(endpoint, tmp_path / "completions.db")
    expected = (Token("yes", -0.1, (("no", -3.0),)),)
    assert [cached.complete([]).logprobs for _ in range(2)] == [expected, expected]


def test_a_failure_is_not_kept(endpoint, service, tmp_path):
    cached = CachedEndpoint(endpoint, tmp_path / "completions.db")
    service.faults.append(answer(400, {}))
    with pytest.raises(ModelError):
        cached.complete(QUESTION)
    assert cached.complete(QUESTION).text == "You said: hi"


@pytest.mark.parametrize("damage", ["{", "3", "{}", '{"text": "x", "logprobs": [1]}'])
def test_a_damaged_row_is_asked_anew(endpoint, service, tmp_path, damage):
    cached = CachedEndpoint(endpoint, tmp_path / "completions.db")
    cached.complete(QUESTION)
    with sqlite3.connect(tmp_path / "completions.db") as database:
        database.execute("UPDATE completions SET completion = ?", (damage,))
    assert cached.complete(QUESTION) == cached.complete(QUESTION)
    assert len(service.requests) == 2


def test_a_file_that_is_no_database_is_told_with_its_remedy(endpoint, tmp_path):
    path = tmp_path / "completions.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match=r"completions\.db cannot be used.*Delete the file"):
        CachedEndpoint(endpoint, path).complete(QUESTION)


def test_embeddings_pass_through(endpoint, tmp_path):
    cached = CachedEndpoint(endpoint, tmp_path / "completions.db")
    assert cached.embed(["a"]) == endpoint.embed(["a"])

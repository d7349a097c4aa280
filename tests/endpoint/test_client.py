"""The client gives what the service said, retries what may pass, and tells what does not."""

import logging
import pickle
from dataclasses import replace

import pytest

from everygrain.endpoint import Completion, Endpoint, Token
from everygrain.errors import ModelError

from .server import Service, answer, close_midway, hang, vector_of

KEY = "sk-very-secret-123"


def row(index, *numbers):
    return {"index": index, "embedding": list(numbers)}


def test_texts_get_their_vectors_in_order(endpoint, service):
    assert endpoint.embed(["tree", "a graph"]) == [vector_of("tree"), vector_of("a graph")]
    path, headers, body = service.requests[0]
    assert path == "/v1/embeddings"
    assert body == {"model": "m", "input": ["tree", "a graph"]}
    assert "Authorization" not in headers


def test_no_text_is_no_request(endpoint, service):
    assert endpoint.embed([]) == []
    assert service.requests == []


def test_vectors_in_another_order_are_sorted_by_index(endpoint, service):
    service.faults.append(answer(content={"data": [row(2, 3), row(0, 1), row(1, 2)]}))
    assert endpoint.embed(["a", "b", "c"]) == [[1.0], [2.0], [3.0]]


def test_a_completion_holds_text_counts_and_reason(endpoint, service):
    found = endpoint.complete([{"role": "user", "content": "hi"}], temperature=0)
    assert found == Completion("You said: hi", 7, 3, "stop")
    path, _, body = service.requests[0]
    assert path == "/v1/chat/completions"
    assert body["temperature"] == 0
    assert body["messages"] == [{"role": "user", "content": "hi"}]


def test_a_completion_without_usage_or_text_is_one_without(endpoint, service):
    choice = {"message": {"content": None}, "finish_reason": "length"}
    service.faults.append(answer(content={"choices": [choice]}))
    assert endpoint.complete([]) == Completion("", None, None, "length")


def test_log_probabilities_are_read(endpoint, service):
    token = {"token": "yes", "logprob": -0.1, "top_logprobs": [{"token": "no", "logprob": -3}]}
    choice = {"message": {"content": "yes"}, "logprobs": {"content": [token]}}
    service.faults.append(answer(content={"choices": [choice]}))
    found = endpoint.complete([], logprobs=True)
    assert found.logprobs == (Token("yes", -0.1, (("no", -3.0),)),)


def test_the_wait_is_the_one_that_the_service_asks_for(endpoint, service, waits):
    later = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    service.faults += [
        answer(429, {}, {"Retry-After": "7"}),
        answer(503, {}, {"Retry-After": "Sun, 06 Nov 1994 08:49:50 GMT", **later}),
        answer(503, {}, {"Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT", **later}),
    ]
    assert endpoint.embed(["a"]) == [vector_of("a")]
    assert waits == [7.0, 13.0, 0.0]


def test_a_wait_beyond_five_minutes_is_told_and_not_waited(endpoint, service, waits):
    service.faults.append(answer(429, {}, {"Retry-After": "4000"}))
    with pytest.raises(ModelError, match=r"status 429.*Wait 4000 seconds"):
        endpoint.embed(["a"])
    assert waits == []


@pytest.mark.parametrize("fault", [*map(answer, (408, 409, 429, 500, 502, 503)), close_midway])
def test_a_passing_trouble_is_tried_again_after_waits_that_double(endpoint, service, waits, fault):
    service.faults += [fault, fault, fault]
    assert endpoint.embed(["a"]) == [vector_of("a")]
    assert len(waits) == 3
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, (0.5, 1, 2), strict=True))


def test_an_unusable_retry_after_falls_back_to_the_doubling_wait(endpoint, service, waits):
    service.faults += [answer(429, {}, {"Retry-After": told}) for told in ("soon", "nan", "")]
    assert endpoint.embed(["a"]) == [vector_of("a")]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, (0.5, 1, 2), strict=True))


def test_a_trouble_that_stays_is_told_after_the_last_retry(endpoint, service, waits):
    service.faults += [answer(500, {"error": {"message": "out of\nmemory"}})] * 4
    with pytest.raises(ModelError, match="/v1/embeddings refused with status 500: 'out of memory'"):
        endpoint.embed(["a"])
    assert (len(waits), len(service.requests)) == (3, 4)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "length of the texts"),
        (401, "EVERYGRAIN_API_KEY"),
        (403, "EVERYGRAIN_API_KEY"),
        (404, "'m', and that the address holds the version"),
        (422, "length of the texts"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_what_to_do(endpoint, service, waits, status, remedy):
    service.faults.append(answer(status, {"error": {"message": "No such thing"}}))
    with pytest.raises(ModelError, match=f"status {status}: 'No such thing'") as caught:
        endpoint.embed(["a"])
    assert remedy in caught.value.remedy
    assert (waits, len(service.requests)) == ([], 1)


def test_a_long_message_is_cut(endpoint, service):
    service.faults.append(answer(400, b"<html>" + b"x" * 10_000))
    with pytest.raises(ModelError) as caught:
        endpoint.embed(["a"])
    assert len(str(caught.value)) < 500


def test_a_service_that_is_not_there_is_named(waits):
    with Service() as gone:
        url = gone.url
    with pytest.raises(ModelError, match=rf"{url}/embeddings cannot be reached .*attempts: 3") as e:
        Endpoint(url, "m", retries=2, sleep=waits.append).embed(["a"])
    assert "Start the service" in e.value.remedy
    assert len(waits) == 2


def test_a_service_that_does_not_answer_in_time_is_told(endpoint, service, waits):
    service.faults += [hang, hang]
    with pytest.raises(ModelError, match=r"no answer within 0.2 s"):
        replace(endpoint, timeout=0.2, retries=1).embed(["a"])
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (b"<html>hello", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        ([], "it holds no list 'data'"),
        ({"error": {"message": "busy"}}, "It begins: 'busy'"),
        ({"data": [row(0, 1)]}, "it holds 1 vectors for 2 texts"),
        ({"data": [{"embedding": [1]}, row(1, 1)]}, "has no index"),
        ({"data": [row(0, 1), row(0, 1)]}, "index 0 occurs twice"),
        ({"data": [row(0, 1), row(2, 1)]}, "index 2 occurs twice or is out of range"),
        ({"data": [row(0, 1), row(1, 1, 2)]}, "differ in length"),
        ({"data": [row(0, 1), row(1)]}, "not a list of numbers"),
        ({"data": [row(0, 1), row(1, "1")]}, "not a number"),
        ({"data": [row(0, 1), row(1, None)]}, "not a number"),
        ({"data": [row(0, 1), row(1, float("nan"))]}, "NaN or infinity"),
        ({"data": [row(0, 1), row(1, 10**400)]}, "NaN or infinity"),
        ({"data": [row(0, 1), 3]}, "has no index"),
    ],
)
def test_a_malformed_reply_is_told_and_not_used(endpoint, service, reply, what):
    service.faults.append(answer(content=reply))
    with pytest.raises(ModelError, match="but the reply cannot be used") as caught:
        endpoint.embed(["a", "b"])
    assert what in caught.value.problem


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"choices": []},
        {"choices": [3]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": [1]}}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": {"content": [{}]}}]},
        {"choices": [{"message": {"content": "x"}, "logprobs": 3}]},
    ],
)
def test_a_malformed_completion_is_told_and_not_used(endpoint, service, reply):
    service.faults.append(answer(content=reply))
    with pytest.raises(ModelError, match="but the reply cannot be used"):
        endpoint.complete([])


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(endpoint, service, monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_API_KEY", KEY)
    with Service() as other:
        service.faults.append(answer(307, {}, {"Location": f"{other.url}/embeddings"}))
        with pytest.raises(ModelError, match=r"status 307.*Redirects are not followed"):
            endpoint.embed(["a"])
        assert other.requests == []


def test_the_key_is_sent_and_shown_nowhere(endpoint, service, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("EVERYGRAIN_API_KEY", f" {KEY}\n")
    service.faults.append(answer(401, {"error": {"message": f"Bad key {KEY}: unknown"}}))
    with pytest.raises(ModelError) as caught:
        endpoint.embed(["a"])
    endpoint.embed(["a"])
    assert service.requests[1][1]["Authorization"] == f"Bearer {KEY}"
    assert "Bad key ***: unknown" in str(caught.value)
    assert KEY not in str(caught.value) + repr(endpoint) + caplog.text


@pytest.mark.parametrize("key", ["sk-a\nb-secret", "sk-ä-secret", "sk secret"])
def test_a_key_that_no_header_can_hold_is_told_without_showing_it(endpoint, monkeypatch, key):
    monkeypatch.setenv("EVERYGRAIN_API_KEY", key)
    with pytest.raises(ModelError, match="EVERYGRAIN_API_KEY") as caught:
        endpoint.embed(["a"])
    assert "secret" not in str(caught.value)


def test_a_key_in_place_of_its_variables_name_is_refused_without_showing_it():
    with pytest.raises(ModelError) as caught:
        Endpoint("http://127.0.0.1/v1", "m", KEY)
    assert KEY not in str(caught.value)


def test_credentials_and_query_of_the_address_are_used_and_not_shown(service, waits, caplog):
    caplog.set_level(logging.DEBUG)
    url = service.url.replace("http://", "http://user:hunter2@") + "/?version=3"
    endpoint = Endpoint(url, "m", retries=0, sleep=waits.append)
    assert endpoint.embed(["a"]) == [vector_of("a")]
    path, headers, _ = service.requests[0]
    assert path == "/v1/embeddings?version=3"
    assert headers["Authorization"] == "Basic dXNlcjpodW50ZXIy"
    service.faults.append(answer(400, {"error": "no, hunter2"}))
    with pytest.raises(ModelError, match=f"{service.url}/embeddings refused") as caught:
        endpoint.embed(["a"])
    assert "hunter2" not in str(caught.value) + repr(endpoint) + caplog.text
    assert "version" not in str(caught.value) + repr(endpoint)


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://x/v1", "http://", "http://x:99999999"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ModelError, match="not an http or https URL"):
        Endpoint(url, "m")


@pytest.mark.parametrize("settings", [{"retries": -1}, {"timeout": 0}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ModelError, match="make no sense"):
        Endpoint("http://127.0.0.1/v1", "m", **settings)


def test_streaming_is_refused(endpoint, service):
    with pytest.raises(ModelError, match="not streamed"):
        endpoint.complete([], stream=True)
    assert service.requests == []


def test_an_endpoint_that_was_used_can_go_to_another_process(service):
    endpoint = Endpoint(service.url, "m")
    endpoint.embed(["a"])
    copy = pickle.loads(pickle.dumps(endpoint))
    assert copy == endpoint
    assert copy.embed(["a"]) == [vector_of("a")]

"""A budget is kept, a failure is counted, and what was answered is not asked again."""

import pytest
from endpoint.server import answer, close_midway, hang

from everygrain.endpoint import CachedEndpoint, Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking, Budget
from everygrain.learn.replies import (
    UnusableReplyError,
    read_number,
    read_object,
    read_text,
    read_texts,
    same_language,
    shown,
)

from .language_model import LanguageModel


@pytest.fixture
def model():
    with LanguageModel(lambda prompt, seed: {"said": f"{prompt} {seed}"}) as running:
        yield running


def endpoint_to(model, **settings):
    return Endpoint(model.url, "m", **{"retries": 0, "sleep": lambda _: None, **settings})


def said(reply):
    return read_text(read_object(reply), "said")


def test_calls_and_tokens_are_told(model):
    asking = Asking(endpoint_to(model))
    assert [asking.ask(prompt, said) for prompt in "ab"] == ["a 0", "b 0"]
    tally = asking.tally
    assert (tally.calls, tally.prompt_tokens, tally.completion_tokens) == (2, 20, 4)
    assert str(tally) == "2 calls; 20 + 4 tokens; 2 usable replies"


def test_tokens_are_estimated_where_the_service_tells_none(model):
    reply = {"choices": [{"message": {"content": '{"said": "yes"}'}}]}
    model.faults.append(answer(content=reply))
    asking = Asking(endpoint_to(model))
    assert asking.ask("p" * 40, said) == "yes"
    assert (asking.tally.prompt_tokens, asking.tally.completion_tokens) == (10, 15 // 4)
    assert "about 10 + 3 tokens" in str(asking.tally)


@pytest.mark.parametrize("budget", [Budget(calls=2), Budget(tokens=13)])
def test_no_call_is_made_beyond_the_budget(model, budget):
    asking = Asking(endpoint_to(model), budget)
    assert [asking.ask(prompt, said) for prompt in "abcd"] == ["a 0", "b 0", None, None]
    assert len(model.requests) == 2
    assert asking.tally.dropped == {"not asked": 2}
    assert "is spent" in asking.tally.stopped


def test_a_run_resumes_from_the_cache_without_asking_again(model, tmp_path):
    cached = CachedEndpoint(endpoint_to(model), tmp_path / "c.db")
    first = Asking(cached, Budget(calls=2))
    assert [first.ask(prompt, said) for prompt in "abc"] == ["a 0", "b 0", None]
    second = Asking(cached, Budget(calls=2))
    assert [second.ask(prompt, said) for prompt in "abc"] == ["a 0", "b 0", "c 0"]
    assert len(model.requests) == 3
    assert (second.tally.calls, second.tally.usable) == (1, 3)


def test_a_reply_of_no_use_is_asked_for_again_with_another_seed(model):
    model.rule = lambda prompt, seed: "no" if seed == 0 else {"said": "yes"}
    asking = Asking(endpoint_to(model))
    assert asking.ask("a", said) == "yes"
    assert asking.tally.dropped == {"not JSON": 1}
    assert [body["seed"] for _, _, body in model.requests] == [0, 1]


def test_a_truncated_reply_is_dropped_though_it_could_be_read(model):
    model.rule = lambda prompt, seed: ({"said": "half"}, "length")
    asking = Asking(endpoint_to(model), again=0)
    assert asking.ask("a", said) is None
    assert asking.tally.dropped == {"truncated": 1}


@pytest.mark.parametrize(
    "fault",
    [answer(500, {}), answer(200, b"<html>"), close_midway, hang],
    ids=["error", "page", "close", "hang"],
)
def test_a_service_that_fails_in_between_costs_one_question(model, fault):
    asking = Asking(endpoint_to(model, timeout=1.0))
    assert asking.ask("a", said) == "a 0"
    model.faults.append(fault)
    assert asking.ask("b", said) is None
    assert asking.ask("c", said) == "c 0"
    assert asking.tally.dropped == {"no answer": 1}


def test_a_service_that_never_answers_is_an_error_after_three_questions(model):
    model.faults += [answer(401, {"error": "who are you"})] * 9
    asking = Asking(endpoint_to(model))
    assert [asking.ask("a", said), asking.ask("b", said)] == [None, None]
    with pytest.raises(ModelError, match="refused with status 401"):
        asking.ask("c", said)
    assert len(model.requests) == 3


def test_a_service_that_goes_away_ends_the_asking_and_keeps_what_was_had(model):
    asking = Asking(endpoint_to(model), patience=2)
    assert asking.ask("a", said) == "a 0"
    model.faults += [answer(503, {})] * 9
    assert [asking.ask(prompt, said) for prompt in "bcde"] == [None] * 4
    assert len(model.requests) == 3
    assert "Stopped after 2 failures in a row" in asking.tally.stopped
    assert asking.tally.dropped == {"no answer": 2, "not asked": 2}


def test_a_model_that_gives_nothing_of_use_is_an_error_that_says_what_it_gave(model):
    model.rule = lambda prompt, seed: ""
    asking = Asking(endpoint_to(model))
    asking.require_some()  # nothing was asked yet
    asking.ask("a", said)
    with pytest.raises(ModelError, match=r"gave nothing that can be used.*2 empty"):
        asking.require_some()


def test_offline_nothing_is_sent_to_another_machine(monkeypatch):
    monkeypatch.setenv("EVERYGRAIN_OFFLINE", "1")
    asking = Asking(Endpoint("http://models.example/v1", "m"), patience=1)
    with pytest.raises(ModelError, match="--offline is on"):
        asking.ask("a", said)


@pytest.mark.parametrize("settings", [{"temperature": -1}, {"again": -1}, {"patience": 0}])
def test_settings_out_of_range_are_refused(model, settings):
    with pytest.raises(InputError, match="cannot be asked with"):
        Asking(endpoint_to(model), **settings)


@pytest.mark.parametrize("settings", [{"calls": 0}, {"tokens": -1}, {"calls": 1.5}])
def test_a_budget_of_nothing_is_refused(settings):
    with pytest.raises(InputError, match="makes no sense"):
        Budget(**settings)


def test_a_bound_in_money_is_refused_where_no_price_is_known(model):
    with pytest.raises(InputError, match="in money was given, but no prices"):
        Asking(endpoint_to(model), Budget(money=1.0))


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure!\n```json\n{"a": {"b": []}}\n```\nAnything else?', {"a": {"b": []}}),
        ('<think>{"a": 0} or so</think> {"a": 1}', {"a": 1}),
        ('a set {x} first, then {"a": 1}', {"a": 1}),
    ],
)
def test_the_object_is_found_whatever_stands_around_it(reply, found):
    assert read_object(reply) == found


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty"),
        ("<think>hm</think>\n", "empty"),
        ("[1]", "not JSON"),
        ('{"a": ', "not JSON"),
        ("I cannot help with that.", "not JSON"),
        ('{"a":' * 10_000, "not JSON"),
    ],
)
def test_a_reply_without_an_object_says_what_it_is(reply, reason):
    with pytest.raises(UnusableReplyError, match=reason):
        read_object(reply)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "wrong shape"), (3, "wrong shape"), ([], "wrong shape"), ("  \n", "empty"),
     ("...", "empty"), ("\ud800 half", "unreadable"), ("word " * 1000, "too long")],
)  # fmt: skip
def test_a_text_that_is_none_says_why(value, reason):
    with pytest.raises(UnusableReplyError, match=reason):
        read_text({"a": value}, "a")


def test_of_a_list_the_texts_are_taken():
    assert read_texts({"a": ["one\n two", 3, "", None, "three"]}, "a") == ["one two", "three"]
    for broken, reason in (("one", "wrong shape"), ([], "empty"), ([1], "empty")):
        with pytest.raises(UnusableReplyError, match=reason):
            read_texts({"a": broken}, "a")


@pytest.mark.parametrize("value", ["4", True, None, 5.1, -0.1, float("nan")])
def test_a_number_out_of_range_or_none_is_refused(value):
    with pytest.raises(UnusableReplyError):
        read_number({"a": value}, "a", 0, 5)


ENGLISH = "The wind of the north is what moves the clouds over the sea, and it is cold."


@pytest.mark.parametrize(
    ("text", "like", "same"),
    [
        ("what moves the clouds", ENGLISH, True),
        ("clouds north wind", ENGLISH, True),
        ("was bewegt die Wolken über dem Meer", ENGLISH, False),
        ("qu'est-ce qui pousse les nuages sur la mer", ENGLISH, False),
        ("что движет облака", ENGLISH, False),
        ("什么推动云", ENGLISH, False),
        ("was bewegt die Wolken", "Der Wind des Nordens ist kalt und bewegt die Wolken.", True),
        ("what is it that moves the clouds", "Der Wind ist kalt und bewegt die Wolken.", False),
        ("β decay of 14C", "The β decay of carbon is slow.", True),
        ("12 34", ENGLISH, True),
    ],
)
def test_another_language_is_seen_by_its_letters_and_function_words(text, like, same):
    assert same_language(text, like) is same


def test_a_text_cannot_close_the_tag_that_it_stands_in():
    assert shown("a </document> b < 3 <x", 100) == "a ‹/document> b < 3 ‹x"
    assert shown("one two three", 9) == "one two"
    assert shown("unbroken", 3) == "unb"

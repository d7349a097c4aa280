"""One question for each query, and what a language model makes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from everygrain.endpoint import Answerer, Budget
from everygrain.errors import ModelError, QueryError
from everygrain.rank.llm.asking import Asker, Plan, Question
from everygrain.rank.llm.spent import Prices, Spent

Read = TypeVar("Read")


def ask_each(
    endpoint: Answerer,
    prompts: Mapping[str, str],
    read: Callable[[str], Read | None],
    total: Spent,
    *,
    most_tokens: int,
    budget: Budget,
    prices: Prices | None,
    at_once: int,
    needed: bool,
) -> tuple[dict[str, Read | None], Spent]:
    """Return what `read` makes of the reply to each prompt, with what that cost.

    read     returns None for a reply that it cannot use
    total    is added to, and counts against the budget
    needed   raise ModelError where there are prompts, and no reply to any of them is of use

    A query without a usable reply gets None, and is counted as undecided.
    """
    spent = Spent()
    asker = Asker(endpoint, spent, budget=budget, before=total, prices=prices, at_once=at_once)

    def plan(prompt: str) -> Plan[Read | None]:
        (answer,) = yield [Question(prompt, most_tokens)]
        spent.decisions += 1
        value = None
        if answer is not None and (value := read(answer.text)) is None:
            spent.unusable["empty" if not answer.text.strip() else "wrong shape"] += 1
        spent.undecided += value is None
        return value

    try:
        values = asker.carry_out(plan(prompt) for prompt in prompts.values())
    finally:
        total.add(spent)
    if needed and spent.decisions and spent.undecided == spent.decisions:
        raise ModelError(
            f"The language model gave nothing that can be used ({spent}).",
            "Try one question by hand; then mend the endpoint or use another model.",
        )
    if spent.undecided:
        logging.getLogger("everygrain.rank.expand").warning(
            "%d of %d queries are asked as they are: the language model gave nothing for them "
            "(%s).", spent.undecided, spent.decisions, spent,
        )  # fmt: skip
    return dict(zip(prompts, values, strict=True)), spent


def check_positive(**settings: object) -> None:
    """Raise QueryError for a setting that is no whole number above 0."""
    for name, value in settings.items():
        if type(value) is not int or value < 1:
            raise QueryError(f"{name} = {value!r} makes no sense.", "Give a whole number above 0.")

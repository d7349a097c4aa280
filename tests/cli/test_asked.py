"""A query with an instruction or a context, asked by the real command."""

import json

import numpy as np
import pytest

from everygrain import Index
from everygrain.encode.base import unit

from .conftest import Run

QUERY = "light and dust"
CONTEXT = "salmon in the delta"
DENSE = ("--system", "dense", "-k", "3", "--json")


def expected(folder: str, vector: np.ndarray) -> list[tuple[str, float]]:
    """Return the best three documents of a vector, by brute force."""
    with Index.open(folder) as index:
        ids = sorted(document.id for document in index.documents())
        scores = index.vectors(ids) @ vector
    best = np.argsort(-scores, kind="stable")[:3]
    return [(ids[place], float(scores[place])) for place in best]


def encoded(folder: str, *texts: str) -> np.ndarray:
    with Index.open(folder) as index:
        found: np.ndarray = index.encode(texts)
        return found


def found(run: Run, *arguments: str) -> dict:
    result = run("search", *arguments)
    assert result.returncode == 0, result.stderr
    told: dict = json.loads(result.stdout)
    return told


def same(hits: list[dict], wanted: list[tuple[str, float]]) -> bool:
    told = [hit["score"] for hit in hits]
    return [hit["id"] for hit in hits] == [identity for identity, _ in wanted] and bool(
        np.allclose(told, [score for _, score in wanted], atol=1e-5)
    )


def test_a_context_asks_with_the_mean_of_its_vector_and_the_querys(run: Run, both: str) -> None:
    query, event = encoded(both, QUERY, CONTEXT)
    told = found(run, both, QUERY, "--context", CONTEXT, *DENSE)
    assert told["context"] == CONTEXT
    assert same(told["hits"], expected(both, unit((query + event)[None])[0]))
    plain = found(run, both, QUERY, *DENSE)
    assert "context" not in plain
    assert same(plain["hits"], expected(both, query))
    assert plain["hits"] != told["hits"]


def test_an_instruction_is_read_before_the_query_for_its_vector(run: Run, both: str) -> None:
    told = found(run, both, QUERY, "--instruction", CONTEXT, *DENSE)
    assert told["instruction"] == CONTEXT
    assert same(told["hits"], expected(both, encoded(both, f"{CONTEXT} {QUERY}")[0]))


@pytest.mark.parametrize("option", ["--instruction", "--context"])
def test_the_lexical_leg_asks_with_the_query_alone(run: Run, both: str, option: str) -> None:
    plain = found(run, both, QUERY, "-k", "5", "--json")
    asked = found(run, both, QUERY, option, CONTEXT, "-k", "5", "--json")
    ranks = [
        {hit["id"]: hit["legs"]["lexical"]["score"] for hit in told["hits"]}
        for told in (plain, asked)
    ]
    for identity in ranks[0].keys() & ranks[1].keys():
        assert ranks[0][identity] == ranks[1][identity]


def test_an_empty_one_changes_nothing(run: Run, both: str) -> None:
    plain = found(run, both, QUERY, *DENSE)["hits"]
    assert found(run, both, QUERY, "--context", "", *DENSE)["hits"] == plain
    assert found(run, both, QUERY, "--instruction", "", *DENSE)["hits"] == plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--context", "a", "--instruction", "b"), "Both --instruction and --context"),
        (("--context", "a", "--system", "lexical"), "does not read the vector"),
        (("--context", "a", "--system", "rm3(lexical) % 9"), "does not read the vector"),
        (("--instruction", "a", "--cutoff", "adapted"), "cut-off is asked for beside --instr"),
        (("--context", "a", "--system", "dense >> cutoff"), "cut-off is asked for beside --cont"),
        (("--context", "a", "--system", "fuse(dense, dnse)"), "dnse"),
    ],
)
def test_what_cannot_go_together_is_told_of(
    run: Run, both: str, arguments: tuple[str, ...], message: str
) -> None:
    result = run("search", both, QUERY, *arguments, COLUMNS="300")
    assert result.returncode
    assert message in result.stderr


def test_an_index_without_vectors_says_what_is_missing(run: Run, words: str) -> None:
    result = run("search", words, QUERY, "--context", "a", COLUMNS="300")
    assert result.returncode
    assert "has no vectors, which --context needs" in result.stderr
    assert "reencode" in result.stderr

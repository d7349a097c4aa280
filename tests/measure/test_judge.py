"""Judgements and their file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import EverygrainError, InputError
from everygrain.measure.consensus import consensus, grades_of, lower_median, write_judgements
from everygrain.measure.judge import Judgement, of_line, to_line
from everygrain.measure.judgements import read_judgements
from everygrain.measure.ledger import Ledger

PAIR = ("q", "d")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.beside(tmp_path / "pool.jsonl")


def test_the_ledger_lies_beside_the_pool_and_the_last_judgement_wins(
    ledger: Ledger, tmp_path: Path
) -> None:
    assert ledger.lines() == []
    ledger.change("ada", PAIR, grade=1)
    ledger.change("ada", PAIR, grade=3, note="after all")
    ledger.change("bob", PAIR, skipped=True)
    assert ledger.path == tmp_path / "pool.judgements.jsonl"
    assert len(ledger.path.read_text().splitlines()) == 3
    states = ledger.by_judge()
    assert [(s["q", "d"].grade, s["q", "d"].note) for s in states.values()] == [
        (3, "after all"), (None, ""),
    ]  # fmt: skip
    assert ledger.of("nobody") == {}


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("de"), st.sampled_from([0, 1, 2, 3, None])), st.just("undo")
    ),
    max_size=12,
)


@given(ACTIONS)
def test_undo_restores_state_after_state_like_a_stack(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Any]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "x.jsonl")
    states: list[dict[str, int | None]] = [{}]
    for action in actions:
        if action == "undo":
            told = ledger.undo("ada")
            assert (told is None) == (len(states) == 1)
            states = states[:-1] or states
        else:
            document, grade = action
            ledger.change("ada", ("q", document), grade=grade)
            states.append(states[-1] | {document: grade})
        kept = {pair[1]: each.grade for pair, each in ledger.of("ada").items()}
        assert {k: v for k, v in kept.items() if v is not None} == {
            k: v for k, v in states[-1].items() if v is not None
        }


def test_undo_takes_back_only_ones_own(ledger: Ledger) -> None:
    ledger.change("ada", PAIR, grade=1)
    ledger.change("bob", PAIR, grade=2)
    assert ledger.undo("ada") is not None
    assert [ledger.of(name)[PAIR].grade for name in ("ada", "bob")] == [None, 2]


def test_a_line_that_a_crash_cut_short_is_passed_over_and_then_removed(ledger: Ledger) -> None:
    ledger.change("ada", PAIR, grade=1)
    whole = ledger.path.read_bytes()
    for cut in (b'{"judge": "ada", "quer', '{"judge": "ü'.encode()[:-1]):
        ledger.path.write_bytes(whole + cut)
        assert [line.grade for line in ledger.lines()] == [1]
        ledger.change("ada", PAIR, grade=2)
        assert [line.grade for line in ledger.lines()] == [1, 2]
        assert ledger.path.read_bytes().startswith(whole + b'{"judge": "ada", "query_id"')


def test_a_whole_last_line_without_its_line_break_counts(ledger: Ledger) -> None:
    ledger.change("ada", PAIR, grade=1)
    ledger.path.write_bytes(ledger.path.read_bytes().rstrip(b"\n"))
    assert [line.grade for line in ledger.lines()] == [1]
    ledger.change("ada", PAIR, grade=2)
    assert [line.grade for line in ledger.lines()] == [1, 2]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (b"{", "line 1: .*JSON"),
        (b'{"judge": "ada"}', "line 1: The line lacks"),
        (b'{"judge": "a", "query_id": "q", "document_id": "d", "grade": 4}', "no grade 4"),
        (b'{"judge": "a", "query_id": "q", "document_id": "d", "grade": true}', "no grade True"),
        (b'{"judge": "a", "query_id": "q", "document_id": "d", "extra": 1}', "is no judgement"),
        (b"\xff", "line 1: Not UTF-8"),
    ],
)
def test_any_other_broken_line_is_named_and_nothing_is_added(
    ledger: Ledger, broken: bytes, told: str
) -> None:
    ledger.path.write_bytes(broken + b"\n")
    with pytest.raises(InputError, match=told):
        ledger.lines()
    with pytest.raises(InputError):
        ledger.change("ada", PAIR, grade=1)
    assert ledger.path.read_bytes() == broken + b"\n"


def test_many_threads_lose_nothing(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: ledger.change(f"judge{i % 3}", ("q", f"d{i}"), grade=1), range(40)))
    assert len(ledger.lines()) == 40


KILLED = """
import sys
from everygrain.measure.ledger import Ledger
ledger = Ledger(sys.argv[1])
for i in range(100_000):
    ledger.change("ada", ("q", f"d{i}"), grade=i % 4)
    print(i, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_told_to_be_kept(ledger: Ledger) -> None:
    command = [sys.executable, "-c", KILLED, str(ledger.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(30)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    count = sum(line.endswith("\n") for line in told)
    assert len(ledger.lines()) in (count, count + 1)
    ledger.change("ada", PAIR, grade=1)
    assert ledger.of("ada")["q", "d7"].grade == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_is_an_error(ledger: Ledger) -> None:
    ledger.path.parent.chmod(0o500)
    with pytest.raises(EverygrainError, match="not permitted"):
        ledger.change("ada", PAIR, grade=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"judge": ""}, {"judge": " ada"}, {"judge": "a\nb"}, {"judge": "a" * 65}, {"grade": -1},
        {"grade": 1.0}, {"note": "x" * 10_001}, {"note": "\ud800"}, {"skipped": 1},
        {"grade": 1, "skipped": True},
    ],
)  # fmt: skip
def test_what_is_no_judgement_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Judgement(**({"judge": "ada", "query_id": "q", "document_id": "d"} | changes))


def test_a_line_is_read_as_it_was_written() -> None:
    judgement = Judgement("ada", "q", "d", 2, False, "line\nbreak \u2028 ü", True, "now")
    assert to_line(judgement).count(b"\n") == 1
    assert of_line(to_line(judgement)) == judgement
    assert set(json.loads(to_line(judgement))) == set(Judgement.__slots__)


def test_judges_who_differ_give_the_lower_median() -> None:
    assert lower_median([3]) == 3
    assert lower_median([3, 1]) == 1
    assert lower_median([0, 3, 2]) == 2
    assert lower_median([3, 2, 0, 1]) == 1
    merged = consensus({"ada": {PAIR: 3, ("q", "e"): 2}, "bob": {PAIR: 1}})
    assert merged == {"q": {"d": 1, "e": 2}}


def test_a_skip_has_no_vote(ledger: Ledger) -> None:
    ledger.change("ada", PAIR, grade=3)
    ledger.change("bob", PAIR, skipped=True)
    assert grades_of(ledger.by_judge()) == {"ada": {PAIR: 3}, "bob": {}}
    assert consensus(grades_of(ledger.by_judge())) == {"q": {"d": 3}}


def test_both_forms_are_read_as_they_were_written(tmp_path: Path) -> None:
    judgements = {"q1": {"d1": 0, "d2": 3}, "q2": {"d1": 2}}
    assert write_judgements(tmp_path / "beir.tsv", judgements) == 3
    assert write_judgements(tmp_path / "trec.txt", judgements, "trec") == 3
    assert read_judgements(tmp_path / "beir.tsv", columns=3) == judgements
    assert read_judgements(tmp_path / "trec.txt", columns=4) == judgements
    assert (tmp_path / "beir.tsv").read_text().startswith("query-id\tcorpus-id\tscore\nq1\td1\t0\n")
    assert (tmp_path / "trec.txt").read_text().startswith("q1 0 d1 0\n")


def test_an_id_that_a_form_cannot_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'a b' has a space"):
        write_judgements(tmp_path / "x", {"q": {"a b": 1}}, "trec")
    assert write_judgements(tmp_path / "x", {"q": {"a b": 1}}) == 1
    assert read_judgements(tmp_path / "x", columns=3) == {"q": {"a b": 1}}
    with pytest.raises(InputError, match="begins or ends"):
        write_judgements(tmp_path / "y", {" q": {"a": 1}})
    assert not (tmp_path / "y").exists()

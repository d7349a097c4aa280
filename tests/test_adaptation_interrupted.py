"""An adaptation that is cut off anywhere: the index serves on, and the next call ends it."""

import json
import multiprocessing
import signal
from dataclasses import replace

import numpy as np
import pytest

from everygrain import Index
from everygrain.adaptation import adapt, rollback
from everygrain.encode.static import Static
from everygrain.learn.teaching import teach
from tests import adaptation_worker
from tests.small_adaptation import RECIPE, documents, forbidden, state, table

pytest.importorskip("torch")


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path / "index", Static(table(), {}), language="en") as made:
        made.add(documents())
        yield made


@pytest.mark.parametrize("stage", ["Training", "Testing", "Swapping"])
def test_an_interrupt_leaves_the_index_and_the_next_call_ends_it(index, stage):
    before = state(index)

    def told(what, done, total):
        if what == stage and (stage != "Training" or done == total // 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(index, RECIPE, budget=60, told=told)
    assert state(index) == before
    assert index.doctor() == []
    ways = {} if stage == "Training" else {"train_encoder": forbidden}
    done = adapt(index, RECIPE, budget=60, **ways)
    assert done.promoted
    report = json.loads((done.report / "report.json").read_text())
    assert report["encoder"]["new"] == index.store.fingerprint
    assert report["pairs"]["title"] > 200
    assert report["steps"] == len(report["curve"]) >= 150
    with pytest.raises(AssertionError, match="trained again"):  # nothing waits any more
        adapt(index, RECIPE, budget=60, train_encoder=forbidden)


def test_a_candidate_does_not_wait_for_another_encoder_to_replace(index):
    def told(what, done, total):
        if what == "Testing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(index, RECIPE, budget=60, told=told)
    index.reencode(Static(table(5), {}))
    with pytest.raises(AssertionError, match="trained again"):
        adapt(index, RECIPE, budget=60, train_encoder=forbidden)


@pytest.mark.parametrize("next_call", ["same", "other"])
def test_an_interrupt_in_the_weighing_after_a_swap_is_made_good_by_the_next_call(
    index, monkeypatch, next_call
):
    weigh = Index._weigh

    def cut(this, *told):
        if this is index:  # the tests' small indexes are weighed, too
            raise KeyboardInterrupt
        weigh(this, *told)

    first = index.store.fingerprint
    with monkeypatch.context() as patched:
        patched.setattr(Index, "_weigh", cut)
        with pytest.raises(KeyboardInterrupt):
            adapt(index, RECIPE, budget=60)
    second = index.store.fingerprint
    assert second != first
    assert index.store.setting("fusion") is None
    folder = index.folder / "adaptation"
    assert not (folder / "report.json").exists()
    if next_call == "same":
        assert adapt(index, RECIPE, budget=60, train_encoder=forbidden).promoted
    else:
        with pytest.raises(AssertionError, match="trained again"):
            adapt(index, replace(RECIPE, seed=1), budget=60, train_encoder=forbidden)
    report = json.loads((folder / "report.json").read_text())
    assert report["encoder"] == {"trained": "static", "old": first, "new": second}
    assert index.store.setting("fusion") is not None
    assert index.store.fingerprint == second
    assert rollback(index) == first


def test_a_training_that_goes_on_is_taught_as_many_texts_as_before(tmp_path, monkeypatch):
    """A cache answers at once the second time; more texts would make another training of it."""

    class Teacher:
        def encode(self, texts, kind="document"):
            return np.eye(len(texts), 8, dtype=np.float32)

    monkeypatch.setattr("everygrain.encode.registry.create", lambda *told: Teacher())
    recipe = replace(RECIPE, teacher="minilm")
    taught = teach(documents(), recipe, 0.0, None, tmp_path)
    assert len(taught.texts) == 256  # the budget was spent after one batch
    (tmp_path / "checkpoint").touch()
    again = teach(documents(), recipe, 60.0, None, tmp_path)
    assert again.texts == taught.texts
    (tmp_path / "checkpoint").unlink()
    assert len(teach(documents(), recipe, 60.0, None, tmp_path).texts) > 256


def test_a_killed_training_goes_on_where_fits_end_in_other_bits(index):
    """As fits in two processes with several threads do."""
    context = multiprocessing.get_context("forkserver")
    found = []
    for seed, killed in ((1, True), (2, False)):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=adaptation_worker.adapt_with_other_bits,
            args=(index.folder, seed, killed, sending),
        )
        process.start()
        sending.close()
        found.append(receiving.recv())
        process.join()
        assert process.exitcode == (-signal.SIGKILL if killed else 0)
        if killed:
            assert (index.folder / "adaptation" / "checkpoint").exists()
    (before, first, _), (after, second, curve) = found
    assert second == first  # the start is that of the killed process
    assert after[0] == len(before) + 1
    assert len(curve) == after[-1]
    assert not (index.folder / "adaptation" / "beginning").exists()

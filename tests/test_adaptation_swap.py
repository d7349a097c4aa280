"""Promoting an encoder and rolling it back: whole or not at all, whatever else is at work."""

import threading

import pytest

from everygrain import Document, Index
from everygrain.adaptation import promote, rollback
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.index.writer import writer
from tests.small_adaptation import documents, state, table, trained

pytest.importorskip("torch")


@pytest.fixture
def index(tmp_path):
    with Index(tmp_path / "index", Static(table(), {}), language="en") as made:
        made.add(documents())
        yield made


def test_rollback_without_a_promotion_is_an_error(index):
    with pytest.raises(InputError, match="ever replaced"):
        rollback(index)


@pytest.mark.parametrize("change", ["rollback", "promotion"])
def test_a_swap_that_is_cut_off_leaves_the_former_encoder_to_return_to(index, monkeypatch, change):
    first = index.store.fingerprint
    promote(index, trained(1), index.store.encoder)
    before = state(index)

    def cut(*told, **rest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("everygrain.index.writer.Writer._reencoded", cut)
        swap = rollback if change == "rollback" else promoted
        with pytest.raises(KeyboardInterrupt):
            swap(index)
    assert state(index) == before
    assert rollback(index) == first


def promoted(index):
    promote(index, trained(2), index.store.encoder)


def test_an_encoder_that_came_while_another_was_trained_is_not_replaced(index):
    old = index.store.encoder
    with Index.open(index.folder) as other:
        other.reencode(Static(table(5), {}))
    before = state(index)
    with pytest.raises(InputError, match="was replaced while"):
        promote(index, trained(1), old)
    assert state(index) == before


def test_a_promotion_waits_for_another_writer_and_keeps_its_documents(index):
    entered, done = threading.Event(), threading.Event()

    def add():
        with Index.open(index.folder) as other, writer(other.store) as write:
            entered.set()
            done.wait(0.3)
            write.add([Document("late", "A late one.", "Late")])

    thread = threading.Thread(target=add)
    thread.start()
    entered.wait()
    promote(index, trained(1), index.store.encoder)
    thread.join()
    assert len(index) == 401
    assert index.store.setting("fusion") is not None
    assert index.doctor() == []

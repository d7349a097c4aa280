"""One writer at a time; a lock whose holder died is free."""

import multiprocessing
import os
import signal
import threading

import pytest

from everygrain.errors import LockedError
from everygrain.index.lock import writing_alone


def hold(folder, pipe):
    with writing_alone(folder):
        pipe.send("held")
        pipe.recv()


@pytest.fixture
def holder(tmp_path):
    context = multiprocessing.get_context("forkserver")
    own, other = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, other))
    process.start()
    assert own.recv() == "held"
    yield process, own
    process.kill()
    process.join()


def test_a_lock_that_another_process_holds_is_refused_and_the_process_named(tmp_path, holder):
    process, _ = holder
    with pytest.raises(LockedError) as caught, writing_alone(tmp_path):
        pass
    assert f"process {process.pid}" in caught.value.problem
    assert str(tmp_path) in caught.value.problem
    assert caught.value.remedy


def test_a_lock_is_free_when_its_holder_is_done(tmp_path, holder):
    process, pipe = holder
    pipe.send("go")
    process.join()
    with writing_alone(tmp_path):
        assert (tmp_path / "write.holder").read_text() == str(os.getpid())


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path, holder):
    process, _ = holder
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with writing_alone(tmp_path):
        pass


def test_a_lock_is_free_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), writing_alone(tmp_path):
        raise ZeroDivisionError
    with writing_alone(tmp_path):
        pass


def test_threads_of_one_process_exclude_each_other(tmp_path):
    outcomes = []

    def attempt():
        try:
            with writing_alone(tmp_path):
                outcomes.append("held")
        except LockedError:
            outcomes.append("refused")

    with writing_alone(tmp_path):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    attempt()
    assert outcomes == ["refused", "held"]


def test_a_holder_that_cannot_be_read_is_left_out_of_the_message(tmp_path, holder):
    (tmp_path / "write.holder").write_text("not a number")
    with pytest.raises(LockedError, match="Another process is writing"), writing_alone(tmp_path):
        pass

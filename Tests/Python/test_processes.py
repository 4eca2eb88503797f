"""Threads and forked children."""

import os
import threading
import traceback

import pytest


def forked(body):
    """Runs `body` in a forked child: the exit code, 0 if it has raised nothing."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_threads_share_one_segment(segment):
    def run(number):
        try:
            key = segment.key("shared")
            for step in range(300):
                value = bytes([number]) * (step * 37 % 9000)
                segment[f"own {number}"] = value
                assert segment[f"own {number}"] == value
                key.set(value)
                shared = key.get()
                assert len(set(shared)) <= 1, "torn"
                segment.add("count")
        except BaseException as error:
            failures.append(error)

    failures = []
    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert failures == []
    assert segment.get_value("count") == 2400


def test_a_forked_child_goes_on(segment):
    key = segment.key("key")
    key.set(b"parent")

    def child():
        assert segment["key"] == b"parent"
        assert key.get() == b"parent"
        key.set(b"child")
        segment["more"] = b"child"
        assert forked(lambda: segment.add("grandchild")) == 0

    assert forked(child) == 0
    assert key.get() == segment["more"] == b"child"
    assert segment.get_value("grandchild") == 1


def test_many_children_count_together(segment):
    def child():
        for _ in range(100):
            segment.add("n")

    segment.add("n", 0)
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                child()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    child()
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    assert segment.get_value("n") == 500


def test_what_is_the_parents_says_so_in_a_child(segment):
    segment["key"] = b"value"
    watch, transaction, lent = segment.watch(), segment.transaction(), segment.borrow("key")
    view = lent.view
    transaction["other"] = b"value"

    def child():
        for use in (watch.next, watch.fileno, watch.cancel, lambda: transaction.get("key"), transaction.commit):
            with pytest.raises(RuntimeError, match="stays with the process that began it"):
                use()
        with pytest.raises(ValueError):
            view[0]
        with pytest.raises(ValueError, match="given back"):
            lent.view
        watch.close()
        transaction.abort()
        lent.close()
        with segment.watch() as own:
            segment["child"] = b""
            assert own.next(timeout=60).key == "child"
        with segment.transaction() as own:
            own["child"] = b"2"
        with segment.borrow("child") as own:
            assert own == b"2"

    assert forked(child) == 0
    assert view == b"value"
    lent.close()
    # A listing, perhaps: the child has ended.
    while watch.next(timeout=60).key != "child":
        continue
    watch.close()
    transaction.commit()
    assert segment["other"] == b"value"

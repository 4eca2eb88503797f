"""Threads and forked children."""

import os
import re
import subprocess
import sys
import threading
import traceback

import pytest

import sharedmem

LIMIT = 60


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


@pytest.mark.parametrize("length", [1, 10_000, 24_000_000])
def test_what_was_made_of_a_view_reads_as_zeros_in_a_child(name, length):
    with sharedmem.Segment.create(name, size=1 << 27) as segment:
        segment["key"] = b"?" * length
        lent = segment.borrow("key")
        kept = [segment.borrow("key").view, memoryview(lent.view), lent.view[length // 2 :]]

        def check(parts):
            assert [bytes(part) for part in parts] == [bytes(len(part)) for part in parts]

        def child():
            check(kept)
            segment["key"] = b"!" * length
            with segment.borrow("key") as own:
                assert own == segment["key"] == b"!" * length
                own_part = own[:]
                assert forked(lambda: check([*kept, own_part])) == 0
                assert own_part == b"!" * length
            check(kept)
            kept.clear()
            assert segment["key"] == b"!" * length

        assert forked(child) == 0
        assert [bytes(part) for part in kept] == [b"?" * len(part) for part in kept]


def test_what_uses_a_view_finds_zeros_in_a_child(segment):
    segment["key"] = b"?" * 10_000
    lent = segment.borrow("key")
    matches = re.finditer(b"[^!]", lent.view)
    assert next(matches)[0] == b"?"

    def child():
        with pytest.raises(ValueError, match="given back"):
            lent.view
        lent.close()
        assert next(matches)[0] == b"\0"

    assert forked(child) == 0
    assert next(matches)[0] == b"?"
    with pytest.raises(BufferError, match="still in use"):
        lent.close()


def test_a_copy_that_a_reader_was_lent_stays_in_a_child(segment, reader):
    segment["key"] = b"?" * 10_000
    part = reader.borrow("key").view[:]

    def child():
        assert part == b"?" * 10_000

    assert forked(child) == 0


def test_what_a_child_has_put_there_first_stays(name):
    script = f"""
import ctypes, mmap, os

def put():
    page = (address // mmap.PAGESIZE + 5) * mmap.PAGESIZE
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100000
    assert map(page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0) == page
    ctypes.memset(page, 33, mmap.PAGESIZE)

map = ctypes.CDLL(None).mmap
map.restype = ctypes.c_void_p
map.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
os.register_at_fork(after_in_child=put)
import sharedmem
segment = sharedmem.Segment.create({name!r}, size=1 << 24)
segment["key"] = b"?" * 100_000
view = segment.borrow("key").view
address = ctypes.addressof(view.obj)
child = os.fork()
if child == 0:
    seen = bytes(view)
    os._exit(0 if seen.count(0) == 100_000 - mmap.PAGESIZE and seen.count(33) == mmap.PAGESIZE else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=LIMIT)

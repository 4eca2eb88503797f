"""Waiting and watching, by threads, event loops and other processes."""

import asyncio
import os
import selectors
import signal
import subprocess
import sys
import threading

import pytest

import sharedmem
from sharedmem import Change, ChangeKind

LIMIT = 60


def test_a_wait_ends_in_time_without_a_change(segment):
    segment["key"] = b"value"
    seen = segment.version("key").version
    assert segment.wait("key", after=seen, timeout=0) is None
    assert segment.wait("key", after=seen, timeout=0.6) is None
    assert segment.wait("key", after=seen - 1, timeout=0) == seen
    for bad, error in ((-1, ValueError), (float("nan"), ValueError), ("1", TypeError)):
        with pytest.raises(error, match="a timeout is"):
            segment.wait("key", after=seen, timeout=bad)
    with pytest.raises(ValueError, match="a version is 0 to"):
        segment.wait("key", after=-1, timeout=0)


def test_a_long_wait_in_the_main_thread_asks_the_daemon_twice(segment, traced):
    script = f"""
import sharedmem
segment = sharedmem.Segment.open({segment.name!r})
print("waits", flush=True)
assert segment.wait("key", after=segment.version("key").version, timeout=2) is None
print("has waited", flush=True)
"""
    trace = traced("sendmsg,write,futex", script)
    waiting = trace.partition("waits")[2].partition("has waited")[0]
    assert waiting.count("FUTEX_WAIT,") >= 4
    # For the first slice, and for all others; each has an end.
    assert waiting.count("sendmsg(") <= 4


@pytest.mark.parametrize("kind", ["segment", "reader"])
def test_a_wait_ends_with_a_change(segment, kind, request):
    waiting = request.getfixturevalue(kind)
    seen = waiting.version("key").version
    for change in (lambda: segment.set("key", b""), lambda: segment.delete("key")):
        timer = threading.Timer(0.1, change)
        timer.start()
        version = None
        while version is None:
            version = waiting.wait("key", after=seen, timeout=LIMIT)
        timer.join()
        assert version > seen
        seen = version
    assert waiting.version("key") == (seen, False)


def test_another_process_is_followed(segment, reader):
    script = f"""
import sharedmem
segment = sharedmem.Segment.open({segment.name!r})
for number in range(1, 501):
    segment["sensor/a"] = str(number).encode()
segment["end"] = b""
"""
    values = []
    with reader.watch(timeout=LIMIT) as watch:
        process = subprocess.Popen([sys.executable, "-c", script])
        for change in watch:
            # Who can't follow gets a listing, in any order.
            assert change.kind in (ChangeKind.SET, ChangeKind.LISTING, ChangeKind.LISTED, ChangeKind.LISTING_END)
            if change.key == "sensor/a":
                values.append(int(reader[change.key]))
            if "end" in reader and values[-1:] == [500]:
                break
    assert process.wait(LIMIT) == 0
    assert values == sorted(values)


def test_one_key_is_watched(segment):
    with segment.watch("key") as watch:
        assert watch.next(timeout=0) is None
        segment["other"] = b""
        version = segment.set("key", b"")
        assert watch.next(timeout=LIMIT) == Change(ChangeKind.SET, "key", version)
        deletion = segment.delete("key")
        assert watch.next(timeout=LIMIT) == Change(ChangeKind.DELETED, "key", deletion)
        assert watch.next(timeout=0.3) is None


def test_a_prefix_is_watched(segment):
    with segment.watch(prefix=b"a/") as watch:
        version = segment.set("a/\udcff", b"")
        segment["b/1"] = b""
        assert watch.next(timeout=LIMIT) == (ChangeKind.SET, "a/\udcff", version)
        assert watch.next(timeout=0) is None
    with pytest.raises(TypeError, match="for a key or for a prefix"):
        segment.watch("key", prefix="prefix")


def test_a_watch_may_begin_with_what_is_there(segment):
    segment.update({"a/1": b"", "a/2": b"", "b": b""})
    with segment.watch(prefix="a/", initial=True, timeout=0.3) as watch:
        first, *changes, last = watch
        assert (first.kind, first.key) == (ChangeKind.LISTING, "")
        assert (last.kind, last.key) == (ChangeKind.LISTING_END, "")
        assert {change.key for change in changes} == {"a/1", "a/2"}
        assert {change.kind for change in changes} == {ChangeKind.LISTED}
    with segment.watch("b", initial=True) as watch:
        assert watch.next(timeout=LIMIT).key == "b"


def test_iteration_ends_when_nothing_changes(segment):
    with segment.watch(timeout=0.3) as watch:
        segment["key"] = b""
        assert [change.key for change in watch] == ["key"]
        assert list(watch) == []


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_an_end_ends_all_waits(segment, end):
    def iterate():
        try:
            ended.append(list(watch))
        except ValueError as error:
            ended.append(str(error))

    ended = []
    watch = segment.watch()
    threads = [threading.Thread(target=iterate) for _ in range(3)]
    for thread in threads:
        thread.start()
    getattr(watch, end)()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    # A thread that began after the close says that it's closed.
    assert all(result == [] or (end == "close" and result == "the watch is closed") for result in ended)
    if end == "cancel":
        with pytest.raises(sharedmem.SharedMemCancelled):
            watch.next()
        assert list(watch) == []
    watch.close()
    watch.close()
    with pytest.raises(ValueError, match="the watch is closed"):
        watch.next()


def test_a_selector_follows(segment):
    with segment.watch(prefix="a/") as watch, selectors.DefaultSelector() as selector:
        selector.register(watch, selectors.EVENT_READ)
        for number in range(20):
            segment[f"a/{number}"] = b""
            found = []
            while not found:
                assert selector.select(LIMIT)
                found = list(iter(lambda: watch.next(timeout=0), None))
            assert found[-1].key == f"a/{number}"


def test_a_selector_is_told_of_the_end(segment):
    with segment.watch("key") as watch, selectors.DefaultSelector() as selector:
        selector.register(watch, selectors.EVENT_READ)
        while selector.select(0):
            assert watch.next(timeout=0) is None
        watch.cancel()
        assert selector.select(LIMIT)
        assert list(watch) == []


def test_asyncio_follows_another_process(segment):
    async def follow():
        loop, seen, ready = asyncio.get_running_loop(), [], asyncio.Event()
        with segment.watch() as watch:
            loop.add_reader(watch, ready.set)
            script = f"""
import sharedmem
segment = sharedmem.Segment.open({segment.name!r})
for number in range(100):
    segment[str(number)] = b""
"""
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
            while len(set(seen) - {""}) < 100:
                await asyncio.wait_for(ready.wait(), LIMIT)
                ready.clear()
                seen += [change.key for change in iter(lambda: watch.next(timeout=0), None)]
            loop.remove_reader(watch)
            assert await process.wait() == 0
        return seen

    # An empty key is the beginning of a listing: the process has ended.
    assert set(asyncio.run(follow())) - {""} == {str(number) for number in range(100)}


def test_a_signal_is_handled_during_a_wait(segment):
    def handle(number, frame):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, handle)
    try:
        with segment.watch() as watch:
            for wait in (watch.next, lambda: segment.wait("key", after=0)):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(InterruptedError):
                    wait()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_dropped_watch_is_closed(segment):
    segment.watch().fileno()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        segment.watch().fileno()
    assert len(os.listdir("/proc/self/fd")) <= before + 1

"""Segments: making, opening, describing, removing, closing."""

import errno
import gc
import os
import pathlib
import subprocess
import sys
import threading

import pytest

import sharedmem
from sharedmem import Segment


def test_what_one_handle_sets_another_one_gets(segment):
    with Segment.open(segment.name) as other:
        segment["key"] = b"value"
        assert other["key"] == b"value"


def test_another_process_gets_it(segment):
    segment["key"] = b"value"
    script = f"import sharedmem; print(sharedmem.Segment.open({segment.name!r})['key'])"
    assert subprocess.check_output([sys.executable, "-c", script], timeout=60) == b"b'value'\n"


def test_options_reach_the_daemon(name):
    Segment.create(name, size=1 << 20, entries=100, mode=0o640, owner=os.getuid(), group=os.getgid()).close()
    info = sharedmem.describe(name)
    assert (info.name, info.mode, info.owner, info.group) == (name, 0o640, os.getuid(), os.getgid())
    assert info.byte_count >= 1 << 20
    assert info.generation == 1
    assert info.is_readable and info.is_writable
    assert info.created_at > 10**18


def test_a_segment_without_options_has_the_defaults(name):
    Segment.create(name).close()
    info = sharedmem.describe(name)
    assert (info.byte_count, info.mode) == (16 << 20, 0o600)


def test_segments_are_listed_by_name(daemon):
    names = ["listed-b", "listed-a", "listed-c"]
    for name in names:
        Segment.create(name, size=1 << 16).close()
    try:
        assert [info.name for info in sharedmem.segments() if info.name.startswith("listed-")] == sorted(names)
    finally:
        for name in names:
            sharedmem.remove(name)


def test_the_socket_may_be_named(daemon, segment, monkeypatch):
    monkeypatch.setenv("SHAREDMEM_SOCKET", "/nowhere")
    with Segment.open(segment.name, socket=pathlib.Path(daemon.socket)):
        assert sharedmem.describe(segment.name, socket=daemon.socket.encode()).name == segment.name


def test_a_missing_segment_is_a_missing_file(daemon):
    for call in (Segment.open, sharedmem.describe, sharedmem.remove):
        with pytest.raises(sharedmem.SharedMemNotFound) as raised:
            call("missing")
        assert isinstance(raised.value, FileNotFoundError)
        assert (raised.value.errno, raised.value.filename) == (errno.ENOENT, "missing")
        assert str(raised.value) == "[Errno 2] no such key or segment: 'missing'"


def test_a_segment_is_made_once(segment):
    with pytest.raises(sharedmem.SharedMemExists) as raised:
        Segment.create(segment.name)
    assert isinstance(raised.value, FileExistsError)


@pytest.mark.parametrize("bad", ["", ".hidden", "with space", "x" * 65, "ü"])
def test_a_bad_name_is_a_value_error(daemon, bad):
    with pytest.raises(sharedmem.SharedMemInvalid) as raised:
        Segment.create(bad)
    assert isinstance(raised.value, ValueError)


def test_a_name_is_never_cut(daemon):
    with pytest.raises(ValueError, match="a name has no zero byte in it"):
        Segment.open("default\0more")
    with pytest.raises(ValueError, match="a socket's path has no zero byte in it"):
        Segment.open("default", socket=b"/run\0")


@pytest.mark.parametrize("options", [{"size": -1}, {"size": 2**64}, {"entries": -1}, {"mode": 2**32}, {"owner": -2}])
def test_numbers_are_never_cut(name, options):
    with pytest.raises(ValueError, match=r"is 0 to \d+, not"):
        Segment.create(name, **options)


def test_no_daemon_is_a_connection_error(tmp_path):
    with pytest.raises(sharedmem.SharedMemNotConnected) as raised:
        Segment.open("default", socket=tmp_path / "no.sock")
    assert isinstance(raised.value, ConnectionError)


def test_a_read_only_segment_refuses_to_be_written(segment, reader):
    segment["key"] = b"value"
    assert reader["key"] == b"value"
    writes = [
        lambda: reader.set("key", b""),
        lambda: reader.delete("key"),
        lambda: reader.add("number"),
        lambda: reader.transact(lambda transaction: transaction.set("key", b"")),
        lambda: reader.key("key").set(b""),
    ]
    for write in writes:
        with pytest.raises(sharedmem.SharedMemReadOnly) as raised:
            write()
        assert isinstance(raised.value, PermissionError)
    assert segment["key"] == b"value"


def test_a_removed_segment_says_so(segment):
    sharedmem.remove(segment.name)
    with pytest.raises(sharedmem.SharedMemRemoved):
        segment["key"] = b"value"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_is_not_permitted(daemon, segment):
    os.chmod(daemon.folder, 0o711)
    script = f"""
import os, sharedmem
sharedmem._library.library()
os.setresuid(65534, 65534, 65534)
try:
    sharedmem.Segment.open({segment.name!r})
except PermissionError as error:
    print(type(error).__name__)
"""
    output = subprocess.check_output([sys.executable, "-c", script], timeout=60)
    assert output == b"SharedMemPermissionError\n"


def test_a_closed_segment_raises(segment):
    handle = Segment.open(segment.name)
    key = handle.key("key")
    handle.close()
    handle.close()
    assert handle.closed
    assert repr(handle) == f"<sharedmem.Segment {segment.name!r} closed>"
    for use in (lambda: handle.get("key"), lambda: list(handle), lambda: handle.__enter__(), handle.transaction):
        with pytest.raises(ValueError, match="the segment is closed"):
            use()
    # It lives on its own.
    key.set(b"value")
    assert segment["key"] == b"value"
    key.close()
    with pytest.raises(ValueError, match="the key handle is closed"):
        key.get()


def test_closing_waits_for_nobody_and_breaks_nothing(segment):
    def wait():
        try:
            while shared.wait("key", after=seen, timeout=60) is None:
                continue
        except BaseException as error:
            failures.append(error)

    failures = []
    segment["key"] = b"value"
    seen = segment.read("key").version
    shared = Segment.open(segment.name)
    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    shared.close()
    segment["key"] = b"more"
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    # A thread that began after the close says that it's closed.
    assert all(isinstance(failure, ValueError) for failure in failures)


def test_each_handle_is_closed_once(segment, monkeypatch):
    freed = []
    for kind in sharedmem._library.Handle.__subclasses__():
        free = kind.free
        counting = staticmethod(lambda pointer, free=free: (freed.append(pointer), free(pointer)))
        monkeypatch.setattr(kind, "free", counting)
    segment["key"] = b"value"
    gc.collect()
    freed.clear()
    handle = Segment.open(segment.name)
    things = [handle, handle.key("key"), handle.watch("key"), handle.transaction(), handle.borrow("key")]
    things[0].close()
    things[3].abort()
    del handle
    things.append(things)
    del things
    gc.collect()
    assert len(freed) == len(set(freed)) == 5
    with segment.transaction() as transaction:
        transaction["key"] = b"more"
    del transaction
    gc.collect()
    assert len(freed) == 5, "a commit has freed it already"


def test_failed_calls_leave_nothing_behind(segment):
    def fail():
        with pytest.raises(sharedmem.SharedMemNotFound):
            Segment.open("missing")
        with pytest.raises(KeyError):
            segment.borrow("missing")

    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    fail()
    before = descriptors()
    for _ in range(100):
        fail()
    assert descriptors() == before
    extra = os.open("/", os.O_RDONLY)
    assert descriptors() == before + 1, "the count sees a leak"
    os.close(extra)


def test_grace_time_and_lock_timeout_are_set(own_daemon):
    segment = Segment.create("graced", size=1 << 20, socket=own_daemon.socket)
    segment["key"] = b"value"
    segment.set_lock_timeout(1)
    segment.set_grace_time(None)
    own_daemon.stop()
    assert segment["key"] == b"value"
    segment.set_grace_time(0)
    with pytest.raises(sharedmem.SharedMemNotConnected):
        while True:
            segment.get("key")
    for bad in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="a lock timeout is 0 to"):
            segment.set_lock_timeout(bad)
    own_daemon.start()


def test_nobody_holds_the_lock(segment):
    assert segment.lock_holder() is None


def test_a_missing_library_is_told(tmp_path):
    script = "import sharedmem; sharedmem.Segment.open()"
    for library in (tmp_path / "no.so", "/lib/x86_64-linux-gnu/libc.so.6"):
        ended = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "SHAREDMEM_LIBRARY": str(library)},
            stderr=subprocess.PIPE,
            timeout=60,
        )
        assert ended.returncode == 1
        assert b"ImportError: " in ended.stderr
        assert b"SHAREDMEM_LIBRARY" in ended.stderr or b"older than this package" in ended.stderr

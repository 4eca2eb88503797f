"""Transactions: all or nothing, and again if somebody was faster."""

import subprocess
import sys
import threading

import pytest

import sharedmem

LIMIT = 60


def test_the_end_of_the_block_commits(segment, reader):
    segment.update({"a": b"1", "b": b"2"})
    with segment.transaction() as transaction:
        assert transaction["a"] == b"1"
        transaction["c"] = transaction["a"] + b"!"
        assert transaction["c"] == b"1!"
        assert transaction.read("c").version == 0
        del transaction["b"]
        assert "b" not in transaction
        assert transaction.get("b", b"none") == b"none"
        assert dict(reader) == {"a": b"1", "b": b"2"}, "nobody sees anything before the commit"
        assert transaction.version is None
    assert dict(reader) == {"a": b"1", "c": b"1!"}
    assert transaction.version == segment.version("c").version
    assert transaction.closed


def test_an_exception_aborts(segment):
    with pytest.raises(ZeroDivisionError):
        with segment.transaction() as transaction:
            transaction["key"] = b"value"
            raise ZeroDivisionError
    assert transaction.closed and transaction.version is None
    assert "key" not in segment
    with pytest.raises(ValueError, match="the transaction is closed"):
        transaction.get("key")


def test_it_may_be_ended_by_hand(segment):
    with segment.transaction() as transaction:
        transaction["key"] = b"value"
        version = transaction.commit()
        assert segment.read("key") == (b"value", version)
    with segment.transaction() as transaction:
        transaction["key"] = b"more"
        transaction.abort()
    assert segment["key"] == b"value"


def test_what_has_changed_makes_it_stale(segment):
    segment["key"] = b"old"
    with pytest.raises(sharedmem.SharedMemStale):
        with segment.transaction() as transaction:
            transaction["copy"] = transaction["key"]
            segment["key"] = b"new"
    assert transaction.is_stale
    assert "copy" not in segment


def test_all_that_is_read_is_of_one_moment(segment):
    segment.update({"a": b"1", "b": b"1"})
    with pytest.raises(sharedmem.SharedMemStale):
        with segment.transaction() as transaction:
            assert transaction["a"] == b"1"
            with segment.transaction() as other:
                other["a"] = other["b"] = b"2"
            transaction.get("b")


def test_a_missing_key_is_a_key_error(segment):
    with segment.transaction() as transaction:
        with pytest.raises(KeyError):
            transaction["missing"]
        with pytest.raises(KeyError):
            del transaction["missing"]
        transaction.delete("missing")


@pytest.mark.parametrize("value", ["text", 5, 1.5, b"bytes", bytearray(b"array")])
def test_a_value_keeps_its_type(segment, value):
    with segment.transaction() as transaction:
        transaction["key"] = value
        transaction.set("json", [1, {"a": None}], type=sharedmem.ValueType.JSON)
    assert segment.get_value("key") == value
    assert segment.get_value("json") == [1, {"a": None}]


@pytest.mark.parametrize(
    ("value", "options", "error"),
    [
        (None, {}, TypeError),
        (2**63, {}, OverflowError),
        (b"", {"type": 256}, ValueError),
        (b"", {"expires_in": 0}, ValueError),
        (b"", {"if_version": -1}, ValueError),
    ],
)
def test_bad_values_are_refused(segment, value, options, error):
    with segment.transaction() as transaction:
        with pytest.raises(error):
            transaction.set("key", value, **options)
    assert "key" not in segment


def test_a_value_expires(segment):
    with segment.transaction() as transaction:
        transaction.set("key", b"short", expires_in=0.05)
        transaction.set("other", b"long", expires_in=3600)
    assert segment.describe("other").expires_at is not None
    assert segment.wait("key", after=transaction.version, timeout=60) is not None
    assert "key" not in segment


def test_a_condition_is_kept(segment):
    version = segment.set("key", b"1")
    with segment.transaction() as transaction:
        transaction.set("key", b"2", if_version=version)
        transaction.set("new", b"2", if_version=0)
    assert segment["key"] == segment["new"] == b"2"
    with pytest.raises(sharedmem.SharedMemStale):
        with segment.transaction() as transaction:
            transaction.set("key", b"3", if_version=version)
    with segment.transaction() as transaction:
        transaction.get("key")
        with pytest.raises(sharedmem.SharedMemStale):
            transaction.set("key", b"3", if_version=version)
        transaction.abort()
    calls = []

    def body(transaction):
        calls.append(1)
        transaction.set("key", b"3", if_version=version)

    with pytest.raises(sharedmem.SharedMemStale):
        segment.transact(body)
    assert calls == [1], "the condition wouldn't hold the next time, either"
    assert segment["key"] == b"2"


def test_transact_goes_on_until_nobody_was_faster(segment):
    def count(transaction):
        number = int(transaction.get("n", b"0")) + 1
        transaction["n"] = transaction["same"] = str(number).encode()
        return number

    def run():
        for _ in range(200):
            results.append(segment.transact(count))

    results = []
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert sorted(results) == list(range(1, 801))
    assert segment["n"] == segment["same"] == b"800"


def test_transact_raises_what_the_body_raises(segment):
    calls = []

    def body(transaction):
        calls.append(1)
        segment.set("key", b"", if_version=12345)

    with pytest.raises(sharedmem.SharedMemStale):
        segment.transact(body)
    assert calls == [1], "it isn't the transaction that is stale"


def test_threads_that_share_one_take_turns(segment):
    def write(number):
        for index in range(100):
            transaction[f"{number}/{index}"] = b"value"

    with segment.transaction() as transaction:
        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(segment) == 400


def test_an_interrupted_commit_says_whether_it_was_done(name):
    script = f"""
import signal, time, traceback, sharedmem

class Interruption(Exception):
    pass

def interrupt(number, frame):
    raise Interruption

signal.signal(signal.SIGALRM, interrupt)
segment = sharedmem.Segment.create({name!r}, size=1 << 24)
interrupted, step, limit = 0, 0, time.monotonic() + 60
while interrupted < 20:
    assert time.monotonic() < limit, "no signal came within a commit"
    step += 1
    value = step.to_bytes(8, "little") * 2500
    transaction = segment.transaction()
    for key in range(100):
        transaction.set(str(key), value)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + step % 40 * 5e-5)
        transaction.commit()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Interruption as error:
        within = any(frame.name == "commit" for frame in traceback.extract_tb(error.__traceback__))
        interrupted += within and transaction.version is not None
    committed = transaction.version is not None
    transaction.abort()
    assert [segment.get(str(key)) == value for key in range(100)] == [committed] * 100
    assert not committed or segment.version("0").version <= transaction.version
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=2 * LIMIT)

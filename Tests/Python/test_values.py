"""Values by key, their types, and many at once."""

import array
import datetime
import signal
import threading
import time

import pytest

import sharedmem
from sharedmem import Reading, Segment, ValueType

KEYS = ["", "a", "ä", "a/b c\n", b"a\0b", b"\xff\xfe", "x" * 512]
SIZES = [0, 1, 7, 8, 9, 4095, 4096, 4097, 65536, 70000, 200000]


@pytest.mark.parametrize("key", KEYS)
def test_any_bytes_are_a_key(segment, key):
    segment[key] = b"value"
    assert segment[key] == b"value"
    (found,) = segment
    assert sharedmem.key_bytes(found) == sharedmem.key_bytes(key)
    assert segment[found] == b"value"
    del segment[key]
    assert key not in segment


@pytest.mark.parametrize("size", SIZES)
def test_a_value_of_any_size_comes_back(segment, size):
    value = bytes(index * 31 % 251 for index in range(size))
    segment["key"] = value
    assert segment["key"] == value
    assert segment.key("key").get() == value
    assert segment.get_many(["key"]) == {"key": value}
    with segment.transaction() as transaction:
        assert transaction["key"] == value
    with segment.borrow("key") as view:
        assert view == value


@pytest.mark.parametrize(
    "value",
    [b"bytes", bytearray(b"bytearray"), memoryview(b"0123456789")[::2], array.array("d", [1.5, 2.5])],
)
def test_anything_bytes_like_is_a_value(segment, value):
    segment["key"] = value
    assert segment["key"] == memoryview(value).tobytes()
    assert segment.describe("key").type is ValueType.BYTES


@pytest.mark.parametrize(
    ("value", "type", "raw"),
    [
        ("täxt", ValueType.TEXT, "täxt".encode()),
        (-5, ValueType.I64, b"\xfb" + b"\xff" * 7),
        (2**63 - 1, ValueType.I64, b"\xff" * 7 + b"\x7f"),
        (1.5, ValueType.F64, b"\0\0\0\0\0\0\xf8\x3f"),
        (b"\x00\xff", ValueType.BYTES, b"\x00\xff"),
    ],
)
def test_a_value_keeps_its_type(segment, value, type, raw):
    version = segment.set("key", value)
    info = segment.describe("key")
    assert (info.type, info.version, info.length, info.expires_at) == (type, version, len(raw), None)
    assert segment["key"] == raw
    assert segment.get_value("key") == value
    assert isinstance(segment.get_value("key"), value.__class__)


@pytest.mark.parametrize("value", [{"a": [1, None, "ä"]}, "text", 7, [True]])
def test_json_comes_back_as_what_it_says(segment, value):
    segment.set("key", value, type=ValueType.JSON)
    assert segment.get_value("key") == value
    segment.set("key", b'{"raw": 1}', type=ValueType.JSON)
    assert segment.get_value("key") == {"raw": 1}


def test_types_can_be_chosen(segment):
    segment.set("key", 3, type=ValueType.F64)
    assert segment.get_value("key") == 3.0
    segment.set("key", b"raw", type=200)
    assert (segment.describe("key").type, segment.get_value("key")) == (200, b"raw")
    segment.set("key", "words", type=ValueType.BYTES)
    assert segment.get_value("key") == b"words"


@pytest.mark.parametrize(
    ("value", "options", "error", "words"),
    [
        (None, {}, TypeError, "a value is bytes-like, str, int or float, not NoneType"),
        ([1], {}, TypeError, "not list: that needs type=ValueType.JSON"),
        (2**63, {}, OverflowError, "a whole number has 64 bits: 9223372036854775808 doesn't fit"),
        (1.5, {"type": ValueType.I64}, TypeError, "ValueType.I64"),
        ("5", {"type": ValueType.I64}, TypeError, "can't be made of str"),
        (5, {"type": ValueType.TEXT}, TypeError, "can't be made of int"),
        (b"123", {"type": ValueType.I64}, ValueError, "a number has 8 bytes, not 3"),
        (b"", {"type": 256}, ValueError, "a type is 0 to 255, not 256"),
        (b"", {"if_version": -1}, ValueError, "a version is 0 to"),
        (b"", {"if_version": 2**64}, ValueError, "a version is 0 to"),
        (b"", {"expires_in": 0}, ValueError, "a time to live is above 0 seconds"),
        (b"", {"expires_in": -1}, ValueError, "a time to live is 0 to"),
        (b"", {"expires_in": "1"}, TypeError, "a time to live is a number of seconds or a timedelta, not str"),
    ],
)
def test_bad_values_are_refused(segment, value, options, error, words):
    segment["key"] = b"old"
    with pytest.raises(error, match=words):
        segment.set("key", value, **options)
    assert segment["key"] == b"old"


def test_bytes_that_are_not_what_their_type_says_raise(segment):
    segment.set("key", b"\xff", type=ValueType.TEXT)
    with pytest.raises(ValueError):
        segment.get_value("key")
    segment.set("key", b"{", type=ValueType.JSON)
    with pytest.raises(ValueError):
        segment.get_value("key")
    assert segment["key"] == b"{"


@pytest.mark.parametrize("key", [None, 5, ("a",), bytearray(b"a")])
def test_only_str_and_bytes_are_keys(segment, key):
    uses = [segment.get, segment.read, segment.delete, segment.describe, segment.version, segment.key, segment.borrow]
    for use in uses:
        with pytest.raises(TypeError, match=f"a key is str or bytes, not {key.__class__.__name__}"):
            use(key)


def test_a_key_that_is_too_long_is_a_value_error(segment):
    with pytest.raises(sharedmem.SharedMemInvalid, match="the key has more than 512 bytes") as raised:
        segment["x" * 513] = b""
    assert isinstance(raised.value, ValueError)


def test_a_value_that_is_too_large_leaves_the_old_one(segment):
    segment["key"] = b"old"
    with pytest.raises(sharedmem.SharedMemFull):
        segment["key"] = bytes(2 << 20)
    assert segment["key"] == b"old"


def test_a_reading_has_the_version(segment):
    assert segment.read("key").value is None
    version = segment.set("key", b"value")
    assert segment.read("key") == segment.key("key").read() == Reading(b"value", version)
    assert segment.version("key") == (version, True)
    deletion = segment.delete("key")
    assert deletion > version
    assert segment.read("key") == Reading(None, deletion)
    assert segment.version("key") == (deletion, False)
    assert segment.delete("key") is None
    segment["key"] = b""
    assert segment.version("key").exists


def test_a_condition_is_kept(segment):
    version = segment.set("key", b"1", if_version=0)
    with pytest.raises(sharedmem.SharedMemStale):
        segment.set("key", b"2", if_version=0)
    with pytest.raises(sharedmem.SharedMemStale):
        segment.compare_and_set("key", b"2", version + 1)
    assert segment["key"] == b"1"
    newer = segment.compare_and_set("key", "2", version)
    assert newer > version
    assert segment.get_value("key") == "2"
    for wrong in (0, version):
        with pytest.raises(sharedmem.SharedMemStale):
            segment.compare_and_delete("key", wrong)
    assert segment.compare_and_delete("key", newer) > newer
    assert "key" not in segment
    with pytest.raises(sharedmem.SharedMemStale):
        segment.compare_and_delete("key", newer)


def test_expired_values_are_swept(segment, reader):
    for index in range(10):
        segment.set(f"key/{index}", b"value", expires_in=0.001)
    segment["stays"] = b"value"
    deadline = time.monotonic() + 60
    while "key/9" in reader and time.monotonic() < deadline:
        pass
    with pytest.raises(sharedmem.SharedMemReadOnly):
        reader.sweep_expired()
    assert segment.sweep_expired() == 10
    assert segment.sweep_expired() == reader.sweep_expired() == 0
    assert dict(segment) == {"stays": b"value"}


def test_a_value_and_its_type_belong_together(segment):
    is_over = threading.Event()

    def write():
        while not is_over.is_set():
            segment["key"] = 5
            segment["key"] = "five" * 5000

    segment["key"] = 5
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(2000):
            assert segment.get_value("key") in (5, "five" * 5000)
    finally:
        is_over.set()
        thread.join(60)


def test_a_value_expires(segment):
    segment.set("key", "short", expires_in=0.05)
    segment.set("other", b"long", expires_in=datetime.timedelta(hours=1))
    assert segment.describe("other").expires_at is not None
    pause = threading.Event()
    for _ in range(600):
        if "key" not in segment:
            break
        pause.wait(0.1)
    assert segment.get("key") is None
    assert segment["other"] == b"long"


def test_adding_counts(segment):
    assert [segment.add("n"), segment.add("n", 5), segment.add("n", -10)] == [1, 6, -4]
    assert segment.get_value("n") == -4
    segment["text"] = "41"
    assert segment.add("text") == 42
    segment["words"] = "words"
    with pytest.raises(sharedmem.SharedMemWrongType) as raised:
        segment.add("words")
    assert isinstance(raised.value, TypeError)
    segment["large"] = 2**63 - 1
    with pytest.raises(sharedmem.SharedMemOverflow):
        segment.add("large")
    for delta, error in ((2**63, OverflowError), (1.5, TypeError)):
        with pytest.raises(error):
            segment.add("n", delta)
    assert segment.get_value("n") == -4


def test_many_come_at_once(segment):
    wanted = {f"key {index}": bytes([index]) * index for index in range(200)}
    segment.update(wanted)
    assert segment.get_many([*wanted, "missing", "key 7"]) == wanted
    assert segment.get_many([]) == {}
    assert segment.get_many([b"key 1", "key 1"]) == {b"key 1": b"\x01", "key 1": b"\x01"}
    assert segment.get_many(key for key in ["key 2"]) == {"key 2": b"\x02\x02"}


def test_many_of_which_one_is_large_come_at_once(name):
    with Segment.create(name, size=32 << 20) as segment:
        large = bytes(2 << 20)
        segment["large"] = large
        small = {f"key {index}": b"small" for index in range(100)}
        segment.update(small)
        assert segment.get_many(["large", *small]) == {"large": large, **small}
        with Segment.open(name, read_only=True) as reader:
            assert reader.get_many(["large", *small]) == {"large": large, **small}


def test_a_key_handle_follows_its_key(segment):
    with segment.key("key") as key:
        assert key.get() is None
        assert key.get(b"default") == b"default"
        version = key.set(b"value")
        assert segment.read("key") == (b"value", version)
        del segment["key"]
        assert key.get() is None
        key.set("text", expires_in=60)
        assert segment.get_value("key") == "text"
        with pytest.raises(sharedmem.SharedMemStale):
            key.set(b"", if_version=0)
        assert repr(key) == f"<sharedmem.KeyHandle 'key' of {segment.name!r}>"


def test_a_signal_handler_may_read_and_write(segment):
    """It comes between two calls of Python, in the middle of a get's own steps too."""

    def handle(number, frame):
        assert segment["other"] == b"other" * 100
        segment["handled"] = b"yes"
        handled.append(number)

    handled = []
    segment["key"], segment["other"] = b"key" * 500, b"other" * 100
    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for _ in range(1000000):
            assert segment["key"] == b"key" * 500
            if len(handled) >= 200:
                break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) >= 200
    assert segment["handled"] == b"yes"

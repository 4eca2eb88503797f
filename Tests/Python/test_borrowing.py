"""Borrowed values: memory that stays as it was, and views that end."""

import ctypes
import gc

import pytest


def test_a_view_shows_the_value(segment):
    version = segment.set("key", b"value" * 1000)
    with segment.borrow("key") as view:
        assert view == b"value" * 1000
        assert (view.readonly, view.format, view.contiguous, len(view)) == (True, "B", True, 5000)
        with pytest.raises(TypeError):
            view[0] = 1
    lent = segment.borrow("key")
    assert lent.version == version
    lent.close()
    lent.close()
    with pytest.raises(ValueError, match="the borrowed value was given back"):
        lent.view


def test_a_view_ends_with_the_block(segment):
    segment["key"] = b"value"
    with segment.borrow("key") as view:
        pass
    with pytest.raises(ValueError):
        view[0]
    with pytest.raises(ValueError):
        bytes(view)


def test_an_empty_value_is_lent_too(segment):
    segment["key"] = b""
    with segment.borrow("key") as view:
        assert view == b""


def test_a_missing_key_is_a_key_error(segment):
    with pytest.raises(KeyError):
        segment.borrow("missing")


def rewrite(segment):
    """Writes so much that memory which isn't lent is used again."""
    for index in range(300):
        segment["key"] = bytes([index % 256]) * 10000


@pytest.mark.parametrize("kind", ["segment", "reader"])
def test_a_lent_value_stays_as_it_was(segment, kind, request):
    source = request.getfixturevalue(kind)
    segment["key"] = b"?" * 10000
    with source.borrow("key") as view:
        for index in range(30):
            segment["key"] = bytes([index]) * 10000
            assert view == b"?" * 10000


def test_a_slice_keeps_the_value_lent(segment):
    segment["key"] = b"?" * 10000
    with segment.borrow("key") as view:
        part = view[10:20]
    for index in range(30):
        segment["key"] = bytes([index]) * 10000
    assert part == b"?" * 10
    del part
    gc.collect()
    rewrite(segment)


def test_memory_is_used_again_after_the_block(segment):
    for _ in range(20):
        segment["key"] = b"?" * 10000
        with segment.borrow("key"):
            pass
        rewrite(segment)


def test_memory_is_used_again_when_nothing_refers_to_it(segment):
    segment["key"] = b"?" * 10000
    segment.borrow("key")
    gc.collect()
    rewrite(segment)


def test_an_object_made_of_the_view_is_told_of(segment):
    segment["key"] = b"value"
    lent = segment.borrow("key")
    raw = ctypes.create_string_buffer(256)
    # As numpy.frombuffer() does.
    get, release = ctypes.pythonapi.PyObject_GetBuffer, ctypes.pythonapi.PyBuffer_Release
    get.argtypes, get.restype = [ctypes.py_object, ctypes.c_void_p, ctypes.c_int], ctypes.c_int
    release.argtypes, release.restype = [ctypes.c_void_p], None
    assert get(lent.view, raw, 0) == 0
    with pytest.raises(BufferError, match="the borrowed value is still in use"):
        lent.close()
    with pytest.raises(ZeroDivisionError):
        with lent:
            raise ZeroDivisionError
    assert lent.view == b"value"
    release(raw)
    lent.close()

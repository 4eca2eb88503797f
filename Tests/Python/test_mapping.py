"""What every mutable mapping does, in steps taken at random beside a dict."""

import collections.abc
import random

import pytest

import sharedmem


def test_it_is_a_mapping(segment):
    assert isinstance(segment, collections.abc.MutableMapping)
    assert not segment
    with pytest.raises(TypeError, match="unhashable"):
        hash(segment)


def test_a_missing_key_is_a_key_error(segment):
    def delete():
        del segment["missing"]

    for use in (lambda: segment["missing"], delete, lambda: segment.pop("missing"), segment.popitem):
        with pytest.raises(KeyError):
            use()
    assert segment.get("missing") is None
    assert segment.get("missing", 5) == 5
    assert segment.get_value("missing", 5) == 5
    assert segment.pop("missing", 5) == 5
    assert "missing" not in segment


def test_text_and_its_bytes_are_one_key(segment):
    segment["ä"] = b"value"
    assert segment["ä".encode()] == b"value"
    assert "ä".encode() in segment
    assert list(segment) == ["ä"]


def test_it_does_what_a_dict_does(segment):
    choice = random.Random(1)
    model = {}
    missing = object()
    for step in range(3000):
        key, value = f"key {choice.randrange(30)}", str(choice.random()).encode()
        act = choice.randrange(9)
        if act <= 2:
            segment[key] = model[key] = value
        elif act == 3:
            assert segment.pop(key, missing) == model.pop(key, missing)
        elif act == 4:
            assert segment.setdefault(key, value) == model.setdefault(key, value)
        elif act == 5:
            more = {f"key {choice.randrange(30)}": value for _ in range(3)}
            segment.update(more)
            model.update(more)
        elif act == 6 and model:
            key, value = segment.popitem()
            assert model.pop(key) == value
        elif act == 7 and choice.randrange(100) == 0:
            segment.clear()
            model.clear()
        assert segment.get(key) == model.get(key)
        assert (key in segment) == (key in model)
        if step % 50 == 0:
            assert segment == model
            assert len(segment) == len(model)
            assert segment.keys() == model.keys()
            assert segment.items() == model.items()
            assert sorted(segment.values()) == sorted(model.values())
            assert dict(segment) == model


def test_views_show_a_prefix(segment):
    segment.update({"a/1": b"1", "a/2": b"2", "b/1": b"3"})
    assert segment.keys("a/") == {"a/1", "a/2"}
    assert segment.keys(b"a/") & {"a/1", "b/1"} == {"a/1"}
    assert len(segment.keys("a/")) == len(segment.values("a/")) == len(segment.items("a/")) == 2
    assert "a/1" in segment.keys("a/")
    assert "b/1" not in segment.keys("a/")
    assert "a/3" not in segment.keys("a/")
    assert sorted(segment.values("a/")) == [b"1", b"2"]
    assert b"3" in segment.values() and b"3" not in segment.values("a/")
    assert dict(segment.items("b")) == {"b/1": b"3"}
    assert ("a/1", b"1") in segment.items("a/")
    assert ("a/1", b"2") not in segment.items()
    assert ("b/1", b"3") not in segment.items("a/")
    assert segment.keys("c") == set()


def test_a_view_is_alive(segment):
    keys = segment.keys()
    segment["late"] = b""
    assert "late" in keys
    assert list(keys) == ["late"]


def test_keys_may_go_while_they_are_listed(segment):
    segment.update({str(index): b"" for index in range(300)})
    seen = set()
    for key, value in segment.items():
        seen.add(key)
        for other in list(segment.keys())[:5]:
            segment.pop(other, None)
    assert not segment
    assert seen

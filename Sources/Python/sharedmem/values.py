"""Values: their types, how they become bytes, and what is known of one."""

from __future__ import annotations

import ctypes
import enum
import errno
import json
import struct
from typing import Any, NamedTuple, Optional, Union

from ._arguments import Seconds, milliseconds, unsigned
from ._library import RawSetOptions, RawValueInfo

BytesLike = Union[bytes, bytearray, memoryview]
Value = Union[BytesLike, str, int, float]


class ValueType(enum.IntEnum):
    """What a value says that it is; the numbers 128 to 255 are a program's own."""

    BYTES = 0
    """Anything."""
    TEXT = 1
    """UTF-8."""
    I64 = 2
    """A signed integer of 64 bits."""
    F64 = 3
    """A floating-point number of 64 bits."""
    JSON = 4
    """One JSON text."""


class Reading(NamedTuple):
    """A value with its version."""

    value: Optional[bytes]
    """The bytes; None: there is no such key."""
    version: int
    """The version of the value; without one, of the newest deletion that may be the key's: to wait after."""


class KeyVersion(NamedTuple):
    """The version of a key."""

    version: int
    """The version of the value; without one, of the newest deletion that may be the key's: to wait after."""
    exists: bool
    """Whether the key has a value."""


class ValueInfo(NamedTuple):
    """What is known of a value beside its bytes."""

    length: int
    """Bytes."""
    version: int
    """The version of the set that wrote it."""
    type: int
    """A `ValueType`, or a program's own number."""
    written_at: int
    """Nanoseconds since the epoch, to 4 ms or so."""
    expires_at: Optional[int]
    """Nanoseconds of CLOCK_BOOTTIME; None: never."""
    session: int
    """Who wrote it, as the daemon numbers sessions."""


def known_type(number: int) -> int:
    """The `ValueType` of a number, or the number itself if it is a program's own."""
    try:
        return ValueType(number)
    except ValueError:
        return number


def plain_bytes(value: Any) -> Optional[bytes]:
    """The bytes of a bytes-like object; None: it is none."""
    if isinstance(value, bytes):
        return value
    try:
        return memoryview(value).tobytes()
    except TypeError:
        return None


def encoded(value: Any, type: Optional[int]) -> tuple[bytes, int]:
    """A value's bytes and its type; type None: the one that suits the Python object."""
    if type is not None:
        unsigned("a type", type, 8)
    plain = plain_bytes(value)
    if plain is not None:
        if type in (ValueType.I64, ValueType.F64) and len(plain) != 8:
            raise ValueError(f"a number has 8 bytes, not {len(plain)}")
        return plain, ValueType.BYTES if type is None else type
    if type == ValueType.JSON:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), type
    if isinstance(value, str) and type not in (ValueType.I64, ValueType.F64):
        return value.encode(), ValueType.TEXT if type is None else type
    if isinstance(value, int) and type in (None, ValueType.I64):
        return whole(value).to_bytes(8, "little", signed=True), ValueType.I64
    if isinstance(value, (int, float)) and type in (None, ValueType.F64):
        return struct.pack("<d", value), ValueType.F64
    noun = value.__class__.__name__
    if type is None:
        raise TypeError(f"a value is bytes-like, str, int or float, not {noun}: that needs type=ValueType.JSON")
    raise TypeError(f"a value of type {known_type(type)!r} can't be made of {noun}")


def set_options(type: int, expires_in: Optional[Seconds], if_version: Optional[int]) -> Optional[RawSetOptions]:
    """What a set is told beside key and value; None: nothing."""
    if type == ValueType.BYTES and expires_in is None and if_version is None:
        return None
    options = RawSetOptions(type=type)
    if expires_in is not None:
        options.expires_in_ms = milliseconds("a time to live", expires_in)
        if options.expires_in_ms == 0:
            raise ValueError("a time to live is above 0 seconds; None: without an end")
    if if_version is not None:
        options.has_expected_version = 1
        options.expected_version = unsigned("a version", if_version)
    return options


def whole(value: int) -> int:
    """A whole number that a value can hold."""
    if not isinstance(value, int):
        raise TypeError(f"a whole number is an int, not {type(value).__name__}")
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError(f"a whole number has 64 bits: {value} doesn't fit")
    return value


def decoded(value: bytes, type: int) -> Any:
    """The Python object that a value of a type is: `ValueError` if its bytes aren't what the type says."""
    if type in (ValueType.I64, ValueType.F64) and len(value) != 8:
        raise ValueError(f"a number has 8 bytes, this one {len(value)}")
    if type == ValueType.TEXT:
        return value.decode()
    if type == ValueType.I64:
        return int.from_bytes(value, "little", signed=True)
    if type == ValueType.F64:
        return struct.unpack("<d", value)[0]
    if type == ValueType.JSON:
        return json.loads(value)
    return value


# MARK: Copying out of a segment

_KEPT_BYTES = 65536


class _Target:
    """Where the library copies one value to."""

    __slots__ = ("arguments", "buffer", "capacity", "length", "version")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.buffer = ctypes.create_string_buffer(capacity)
        self.length = ctypes.c_size_t()
        self.version = ctypes.c_uint64()
        self.arguments = (self.buffer, capacity, ctypes.byref(self.length), ctypes.byref(self.version))


# Kept for the next call. A call takes one out: a second thread, or a signal handler within the call, gets another one.
_targets: list[_Target] = []


def _taken_target() -> _Target:
    try:
        return _targets.pop()
    except IndexError:
        return _Target(4096)


def _keep(target: _Target) -> None:
    if target.capacity <= _KEPT_BYTES:
        _targets.append(target)


def copied(function: Any, *arguments: Any) -> tuple[int, bytes, int]:
    """The result, the value and the version that a reading function returns, in a buffer that is large enough."""
    target = _taken_target()
    while True:
        # Only some results store a version.
        target.version.value = 0
        result = function(*arguments, *target.arguments)
        if result != -errno.EMSGSIZE:
            break
        target = _Target(max(target.length.value, 2 * target.capacity))
    value = ctypes.string_at(target.buffer, target.length.value) if result == 0 else b""
    version = target.version.value
    _keep(target)
    return result, value, version


def copied_with(function: Any, *arguments: Any) -> tuple[int, bytes, RawValueInfo]:
    """The same for a function that says all that is known of the value."""
    target, info = _taken_target(), RawValueInfo()
    while True:
        result = function(*arguments, target.buffer, target.capacity, ctypes.byref(info))
        if result != -errno.EMSGSIZE:
            break
        target = _Target(max(info.length, 2 * target.capacity))
    value = ctypes.string_at(target.buffer, info.length) if result == 0 else b""
    _keep(target)
    return result, value, info

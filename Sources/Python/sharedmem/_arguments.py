"""Arguments as the library takes them: each is checked before ctypes would cut it to size."""

from __future__ import annotations

import datetime
import math
import os
import threading
import time
from collections.abc import Iterator
from typing import Optional, Union

Key = Union[str, bytes]
Seconds = Union[int, float, datetime.timedelta]
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

# Python handles signals in the main thread between two calls: none there may last longer.
_SLICE_MS = 250
_LONGEST_MS = 2**31 - 1


def key_bytes(key: Key) -> bytes:
    """The bytes of a key: UTF-8, with surrogate escapes for bytes that aren't, as in Python's file names."""
    if isinstance(key, bytes):
        return key
    if isinstance(key, str):
        return key.encode("utf-8", "surrogateescape")
    raise TypeError(f"a key is str or bytes, not {type(key).__name__}")


def key_text(key: bytes) -> str:
    """The text of a key; `key_bytes` turns it back into the same bytes, whatever they are."""
    return key.decode("utf-8", "surrogateescape")


def counted(key: Key) -> tuple[bytes, int]:
    """A key as the library takes it: where, and how many bytes."""
    name = key_bytes(key)
    return name, len(name)


def unsigned(what: str, value: int, bits: int = 64) -> int:
    """A whole number that C's unsigned type of `bits` holds."""
    if not isinstance(value, int):
        raise TypeError(f"{what} is an int, not {type(value).__name__}")
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{what} is 0 to {(1 << bits) - 1}, not {value}")
    return value


def milliseconds(what: str, duration: Seconds) -> int:
    """A duration in whole milliseconds, rounded up."""
    seconds = duration.total_seconds() if isinstance(duration, datetime.timedelta) else duration
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is a number of seconds or a timedelta, not {type(seconds).__name__}")
    if not 0 <= seconds < 2**50:
        raise ValueError(f"{what} is 0 to {2**50} seconds, not {seconds}")
    return math.ceil(seconds * 1000)


def terminated(what: str, text: Path) -> bytes:
    """A name or a path, for C's strings that end with a zero byte."""
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError(f"{what} has no zero byte in it: {text!r}")
    return encoded


def socket_path(socket: Optional[Path]) -> Optional[bytes]:
    """The path of the daemon's socket; None: the usual one."""
    return None if socket is None else terminated("a socket's path", socket)


def slices(timeout: Optional[Seconds]) -> Iterator[int]:
    """The time-outs, in milliseconds, of the calls that one wait is made of; None: for ever.

    In the main thread they are short, so that Ctrl-C and other signals are handled soon.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if timeout is None or timeout == math.inf:
        while True:
            yield _SLICE_MS if is_main else -1
    longest = _SLICE_MS if is_main else _LONGEST_MS
    deadline = time.monotonic() + milliseconds("a timeout", timeout) / 1000
    while True:
        left = max(0, math.ceil((deadline - time.monotonic()) * 1000))
        yield min(left, longest)
        if left <= longest:
            return

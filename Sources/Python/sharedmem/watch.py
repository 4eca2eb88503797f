"""Changes of a key, of keys with a prefix, or of a whole segment, as they happen."""

from __future__ import annotations

import ctypes
import enum
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional

from . import _library
from ._arguments import Key, Seconds, counted, key_text, slices
from ._library import RawChange, WatchHandle
from ._resource import Resource
from .errors import SharedMemCancelled, check

if TYPE_CHECKING:
    from .segment import Segment


class ChangeKind(enum.IntEnum):
    """What has happened."""

    SET = 1
    """The key was set."""
    DELETED = 2
    """The key was deleted, or has expired and was removed."""
    LISTED = 3
    """The key is there: part of a listing."""
    LISTING = 4
    """A listing begins, because the watch begins with one or couldn't follow: each key that is there comes as LISTED.
    It has no key of its own."""
    LISTING_END = 5
    """The listing ends: keys that weren't in it are gone. It has no key of its own, either."""


class Change(NamedTuple):
    """One change."""

    kind: ChangeKind
    """What has happened."""
    key: str
    """To which key."""
    version: int
    """The change's version."""


class Watch(Resource):
    """An iterator of changes, for a thread that waits or, through `fileno()`, for an event loop.

    Changes of a key that follow each other quickly become one; the last one always comes. Threads may use one at once:
    each change comes to one of them.
    """

    _noun = "watch"
    _is_inherited = False

    def __init__(
        self,
        segment: Segment,
        key: Optional[Key],
        prefix: Optional[Key],
        initial: bool,
        timeout: Optional[Seconds],
    ) -> None:
        """For `Segment.watch()`."""
        if key is not None and prefix is not None:
            raise TypeError("a watch is for a key or for a prefix, not for both")
        flags = _library.WATCH_INITIAL if initial else 0
        if key is None:
            flags |= _library.WATCH_PREFIX
            key = b"" if prefix is None else prefix
        handle = WatchHandle()
        result = segment._library.watch_open(segment._held(), *counted(key), flags, ctypes.byref(handle))
        check(result, segment.name)
        super().__init__(handle)
        self._library = segment._library
        self._segment_name = segment.name
        self.timeout = timeout

    def next(self, timeout: Optional[Seconds] = None) -> Optional[Change]:
        """The next change; None: there is none in `timeout` seconds. 0 only looks, None waits for ever.

        `SharedMemCancelled` if the watch is cancelled.
        """
        change = RawChange()
        for ms in slices(timeout):
            result = self._library.watch_next(self._held(), ms, ctypes.byref(change))
            if result != -errno.ETIMEDOUT:
                check(result, self._segment_name)
                key = bytes(change.key[: change.key_length])
                return Change(ChangeKind(change.kind), key_text(key), change.version)
        return None

    def __iter__(self) -> Iterator[Change]:
        return self

    def __next__(self) -> Change:
        try:
            change = self.next(self.timeout)
        except SharedMemCancelled:
            change = None
        if change is None:
            raise StopIteration
        return change

    def cancel(self) -> None:
        """Ends the waits of all threads in this watch, now and later: iteration stops, `next()` raises."""
        self._library.watch_cancel(self._held())

    def fileno(self) -> int:
        """A descriptor that `select` finds readable when `next(timeout=0)` may have something.

        For `selectors` and `asyncio`; don't read it and don't close it. Take changes until `next(timeout=0)` is None.
        """
        descriptor: int = self._library.watch_descriptor(self._held())
        check(descriptor, self._segment_name)
        return descriptor

    def close(self) -> None:
        """Cancels it and gives it up. May be called again."""
        handle = self._handle
        self._handle = None
        if handle is not None and not self._is_foreign:
            self._library.watch_cancel(handle)

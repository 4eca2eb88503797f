"""Changes of several keys that happen together or not at all."""

from __future__ import annotations

import ctypes
import errno
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union

from ._arguments import Key, Seconds, counted
from ._library import TransactionHandle
from ._resource import Resource
from .errors import check
from .values import Reading, Value, copied, encoded, set_options

if TYPE_CHECKING:
    from .segment import Segment

_Default = TypeVar("_Default")

_NOT_COMMITTED = 2**64 - 1


class Transaction(Resource):
    """What `Segment.transaction()` begins. Nothing is locked, and nobody sees anything of it, before the commit.

    All that is read in it is of one moment; what was set in it reads as it was set. Values are read as bytes, and set to
    what `Segment.set()` takes.
    """

    _noun = "transaction"
    _is_inherited = False

    def __init__(self, segment: Segment) -> None:
        """For `Segment.transaction()`."""
        handle = TransactionHandle()
        check(segment._library.begin(segment._held(), ctypes.byref(handle)), segment.name)
        super().__init__(handle)
        self._library = segment._library
        self._segment_name = segment.name
        # The library lets one thread at a time into a transaction.
        self._lock = threading.RLock()
        # The library writes it before an exception of a signal handler can follow the commit.
        self._version = ctypes.c_uint64(_NOT_COMMITTED)
        self._is_stale = False
        # Whether it expects a version that it hasn't read.
        self._is_conditional = False

    @property
    def version(self) -> Optional[int]:
        """The version of the changes, or of what was read if there are none; None: it isn't committed."""
        version = self._version.value
        return None if version == _NOT_COMMITTED else version

    @property
    def is_stale(self) -> bool:
        """Whether something that it read has changed, so that it can't be committed."""
        return self._is_stale

    def get(self, key: Key, default: Union[bytes, _Default, None] = None) -> Union[bytes, _Default, None]:
        """The bytes of a key's value as the transaction sees it; `default` if there is none."""
        value = self.read(key).value
        return default if value is None else value

    def read(self, key: Key) -> Reading:
        """The bytes of a key's value with its version, which is 0 if the transaction has set it itself."""
        with self._lock:
            result, value, version = copied(self._library.transaction_get, self._held(), *counted(key))
        if result == -errno.ENOENT:
            return Reading(None, version)
        self._check(result)
        return Reading(value, version)

    def set(
        self,
        key: Key,
        value: Value,
        *,
        type: Optional[int] = None,
        expires_in: Optional[Seconds] = None,
        if_version: Optional[int] = None,
    ) -> None:
        """Sets a key at the commit, to what `Segment.set()` takes; the time to live counts from this call.

        `SharedMemStale`, from here or from the commit, if the key hasn't the version that it is to have.
        """
        plain, kind = encoded(value, type)
        options = set_options(kind, expires_in, if_version)
        wanted = None if options is None else ctypes.byref(options)
        with self._lock:
            self._is_conditional |= if_version is not None
            self._check(self._library.transaction_set_with(self._held(), *counted(key), plain, len(plain), wanted))

    def delete(self, key: Key) -> None:
        """Deletes a key at the commit; nothing happens if there is none then."""
        with self._lock:
            self._check(self._library.transaction_delete(self._held(), *counted(key)))

    def __getitem__(self, key: Key) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        self.set(key, value)

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self.delete(key)

    def __contains__(self, key: Key) -> bool:
        return self.read(key).value is not None

    def commit(self) -> int:
        """Does all changes at once and returns their version; the transaction is over, whatever comes of it.

        `SharedMemStale` if something that was read has changed since; nothing was written then. After an exception of a
        signal handler, such as `KeyboardInterrupt`, `version` says whether the changes were done.
        """
        with self._lock:
            handle: Any = self._held()
            self._handle = None
            # The library frees it.
            result = self._library.commit(handle.taken(), ctypes.byref(self._version))
        self._check(result)
        return self._version.value

    def abort(self) -> None:
        """Forgets all changes. May be called again, and after a commit."""
        with self._lock:
            self._handle = None

    close = abort

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if error is None and not self.closed:
            self.commit()
        self.abort()

    def _check(self, result: int) -> None:
        if result == -errno.ESTALE:
            self._is_stale = True
        check(result, self._segment_name)

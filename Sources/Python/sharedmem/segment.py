"""A segment: values by key in memory that sharedmemd keeps."""

from __future__ import annotations

import contextlib
import ctypes
import errno
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, Optional, TypeVar, Union

from . import _library
from ._arguments import Key, Path, Seconds, counted, key_bytes, milliseconds, slices, socket_path, terminated, unsigned
from ._library import RawLockHolder, RawSegmentOptions, RawValueInfo, SegmentHandle, library
from ._many import values_of
from ._resource import Resource
from .borrowed import Borrowed
from .description import LockHolder
from .errors import SharedMemStale, check
from .key import KeyHandle
from .transaction import Transaction
from .values import KeyVersion, Reading, Value, ValueInfo
from .values import copied, copied_with, decoded, encoded, known_type, set_options, whole
from .views import Items, Keys, Values
from .watch import Watch

_Default = TypeVar("_Default")
_Result = TypeVar("_Result")

_MISSING: Any = object()


class Segment(Resource, MutableMapping[str, bytes]):
    """An attached segment, as a mapping from keys to bytes that all programs on the host share.

    A key is `str` (kept as UTF-8) or `bytes`, and comes back as `str`: what isn't UTF-8 in it comes as surrogate
    escapes, as Python has it for file names. `sharedmem.key_bytes()` turns that into the bytes again.

    Threads may use one segment at once; a forked child may go on with its parent's. `close()` waits for nobody: calls
    that are under way in other threads go on, later ones raise `ValueError`, and the last one to end detaches.

    >>> with Segment.open("default") as segment:
    ...     segment["greeting"] = b"This is a test string"
    ...     segment.get_value("temperature", 21.5)
    21.5
    """

    _noun = "segment"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, handle: SegmentHandle, name: str) -> None:
        """For `open()` and `create()`."""
        super().__init__(handle)
        self._library = library()
        self.name = name

    @classmethod
    def open(cls, name: str = "default", *, read_only: bool = False, socket: Optional[Path] = None) -> Segment:
        """Attaches to a segment that is there: `SharedMemNotFound` if it isn't.

        `socket` is the daemon's, the environment's SHAREDMEM_SOCKET without one. Read-only memory is mapped so by the
        kernel, and less of a segment's permissions is needed for it.
        """
        handle = SegmentHandle()
        flags = _library.READ_ONLY if read_only else _library.READ_WRITE
        check(library().open(socket_path(socket), terminated("a name", name), flags, ctypes.byref(handle)), name)
        return cls(handle, name)

    @classmethod
    def create(
        cls,
        name: str,
        *,
        size: int = 0,
        entries: int = 0,
        mode: int = 0,
        owner: Optional[int] = None,
        group: Optional[int] = None,
        socket: Optional[Path] = None,
    ) -> Segment:
        """Makes a segment and attaches to it: `SharedMemExists` if there is one of that name.

        `size` is 64 KiB to 256 GiB, 16 MiB if it is 0, and all of it is reserved at once. `entries` is how many keys
        the index is made for, `mode` the permissions (0o600 if it is 0), `owner` and `group` a uid and a gid, None: the
        caller's.
        """
        options = RawSegmentOptions(
            byte_count=unsigned("a size", size),
            entry_count=unsigned("a number of entries", entries),
            mode=unsigned("a mode", mode, 32),
            owner=0 if owner is None else unsigned("an owner", owner + 1, 32),
            group=0 if group is None else unsigned("a group", group + 1, 32),
        )
        handle = SegmentHandle()
        result = library().create(
            socket_path(socket), terminated("a name", name), ctypes.byref(options), ctypes.byref(handle)
        )
        check(result, name)
        return cls(handle, name)

    def __repr__(self) -> str:
        return f"<sharedmem.Segment {self.name!r}{' closed' if self.closed else ''}>"

    def set_lock_timeout(self, timeout: Seconds) -> None:
        """How long a write waits for the segment's lock before it raises `SharedMemTimeout`; 5 s at first."""
        self._library.set_lock_timeout(self._held(), milliseconds("a lock timeout", timeout))

    def set_grace_time(self, duration: Optional[Seconds]) -> None:
        """How long calls go on after the daemon is gone before they raise `SharedMemNotConnected`; 5 s at first.

        None: for ever.
        """
        limit = 2**64 - 1 if duration is None else milliseconds("a grace time", duration)
        self._library.set_grace_time(self._held(), limit)

    # MARK: The mapping

    def __getitem__(self, key: Key) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        self.set(key, value)

    def __delitem__(self, key: Key) -> None:
        if self.delete(key) is None:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return self.version(key).exists  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __bool__(self) -> bool:
        return next(iter(self.keys()), None) is not None

    def keys(self, prefix: Key = "") -> Keys:
        """The keys that begin with `prefix`, in no order.

        A key that stays meanwhile comes exactly once (twice only if the segment moves to new memory); one that comes or
        goes may be missed. A pass costs time in proportion to the index, as does the number of keys.
        """
        return Keys(self, key_bytes(prefix))

    def values(self, prefix: Key = "") -> Values:
        """The values of the keys that begin with `prefix`, each as it is when its turn comes."""
        return Values(self, key_bytes(prefix))

    def items(self, prefix: Key = "") -> Items:
        """The keys that begin with `prefix`, with their values."""
        return Items(self, key_bytes(prefix))

    def clear(self) -> None:
        """Deletes each key, one after the other."""
        for key in list(self.keys()):
            self.delete(key)

    def pop(self, key: Key, default: Any = _MISSING) -> Any:
        """Deletes a key and returns the value that it had, both at once."""

        def taken(transaction: Transaction) -> Optional[bytes]:
            value = transaction.get(key)
            if value is not None:
                transaction.delete(key)
            return value

        value = self.transact(taken)
        if value is not None:
            return value
        if default is _MISSING:
            raise KeyError(key)
        return default

    def popitem(self) -> tuple[str, bytes]:
        """Deletes some key and returns it with the value that it had: `KeyError` if there is none."""
        for key in self.keys():
            value = self.pop(key, None)
            if value is not None:
                return key, value
        raise KeyError(f"{self!r} is empty")

    def setdefault(self, key: Key, default: Value = b"") -> bytes:
        """The value of a key, which is set to `default` first if there is none; both at once."""
        while True:
            value = self.get(key)
            if value is not None:
                return value
            try:
                self.set(key, default, if_version=0)
            except SharedMemStale:
                continue
            return encoded(default, None)[0]

    # MARK: Values

    def get(  # type: ignore[override]
        self, key: Key, default: Union[bytes, _Default, None] = None
    ) -> Union[bytes, _Default, None]:
        """The bytes of a key's value, a copy; `default` if there is none. Takes no lock and makes no system call."""
        result, value, _ = copied(self._library.get, self._held(), *counted(key))
        if result == -errno.ENOENT:
            return default
        check(result, self.name)
        return value

    def read(self, key: Key) -> Reading:
        """The bytes of a key's value with its version; value None: there is none."""
        result, value, version = copied(self._library.get, self._held(), *counted(key))
        if result == -errno.ENOENT:
            return Reading(None, version)
        check(result, self.name)
        return Reading(value, version)

    def get_value(self, key: Key, default: Any = None) -> Any:
        """A key's value by its type: `str`, `int`, `float`, what a JSON text says, or else `bytes`; or `default`.

        `ValueError` if the bytes aren't what the type says.
        """
        result, value, info = copied_with(self._library.get_with, self._held(), *counted(key))
        if result == -errno.ENOENT:
            return default
        check(result, self.name)
        return decoded(value, info.type)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, bytes]:
        """The values of many keys as they were at one moment; without those that have none."""
        wanted = list(dict.fromkeys(keys))
        return values_of(self, wanted, [key_bytes(key) for key in wanted])

    def set(
        self,
        key: Key,
        value: Value,
        *,
        type: Optional[int] = None,
        expires_in: Optional[Seconds] = None,
        if_version: Optional[int] = None,
    ) -> int:
        """Sets a key and returns the version: every later get, of any program, sees this value or a newer one.

        A bytes-like object is kept as it is, `str` as text in UTF-8, `int` and `float` as numbers of 64 bits; anything
        that `json` can say with `type=ValueType.JSON`. A program's own types are 128 to 255. The value is gone when it
        `expires_in` so many seconds. With `if_version` it is set only if the key has that version, 0: if there is none:
        else `SharedMemStale`.
        """
        plain, kind = encoded(value, type)
        version = ctypes.c_uint64()
        options = set_options(kind, expires_in, if_version)
        if options is None:
            result = self._library.set(self._held(), *counted(key), plain, len(plain), ctypes.byref(version))
        else:
            result = self._library.set_with(
                self._held(), *counted(key), plain, len(plain), ctypes.byref(options), ctypes.byref(version)
            )
        check(result, self.name)
        return version.value

    def compare_and_set(self, key: Key, value: Value, expected_version: int, *, type: Optional[int] = None) -> int:
        """Sets a key if it has a version, 0: if there is none; `SharedMemStale` if it has another one."""
        return self.set(key, value, type=type, if_version=expected_version)

    def add(self, key: Key, delta: int = 1) -> int:
        """Adds to the whole number at a key, 0 if there is none, and returns the sum, whoever else adds meanwhile."""
        total = ctypes.c_int64()
        check(self._library.add(self._held(), *counted(key), whole(delta), ctypes.byref(total)), self.name)
        return total.value

    def delete(self, key: Key) -> Optional[int]:
        """Deletes a key and returns the version of the deletion; None: there is none."""
        version = ctypes.c_uint64()
        result = self._library.delete(self._held(), *counted(key), ctypes.byref(version))
        if result == -errno.ENOENT:
            return None
        check(result, self.name)
        return version.value

    def compare_and_delete(self, key: Key, expected_version: int) -> int:
        """Deletes a key if it has a version, and returns that of the deletion; else `SharedMemStale`."""
        version = ctypes.c_uint64()
        expected = unsigned("a version", expected_version)
        result = self._library.compare_and_delete(self._held(), *counted(key), expected, ctypes.byref(version))
        check(result, self.name)
        return version.value

    def sweep_expired(self) -> int:
        """Deletes all values that have expired, and returns how many: nobody sees them, but they take memory."""
        count = ctypes.c_uint64()
        check(self._library.sweep_expired(self._held(), ctypes.byref(count)), self.name)
        return count.value

    def version(self, key: Key) -> KeyVersion:
        """The version of a key, and whether it has a value, without copying that."""
        info = self.describe(key)
        if info is not None:
            return KeyVersion(info.version, True)
        reading = self.read(key)
        return KeyVersion(reading.version, reading.value is not None)

    def describe(self, key: Key) -> Optional[ValueInfo]:
        """What is known of a key's value, without copying it; None: there is none."""
        info = RawValueInfo()
        result = self._library.value_describe(self._held(), *counted(key), ctypes.byref(info))
        if result == -errno.ENOENT:
            return None
        check(result, self.name)
        return ValueInfo(
            length=info.length,
            version=info.version,
            type=known_type(info.type),
            written_at=info.written_at,
            expires_at=info.expires_at or None,
            session=info.session,
        )

    # MARK: More than one call

    def key(self, key: Key) -> KeyHandle:
        """A handle of a key that is used often: it finds it without hashing. The key needn't exist."""
        return KeyHandle(self, key)

    def transaction(self) -> Transaction:
        """Changes of several keys that happen together or not at all.

        >>> with segment.transaction() as transaction:
        ...     transaction["b"] = transaction["a"]
        ...     del transaction["a"]

        The end of the block commits, an exception aborts. `SharedMemStale` if something that it read has changed since,
        then nothing is written: begin anew, or use `transact()`.
        """
        return Transaction(self)

    def transact(self, body: Callable[[Transaction], _Result]) -> _Result:
        """Runs `body` in a transaction, again as often as somebody was faster, and returns its result.

        Not again if `body` has set something with `if_version`: that condition wouldn't hold the next time, either.
        """
        while True:
            transaction = self.transaction()
            try:
                with transaction:
                    result = body(transaction)
                return result
            except SharedMemStale:
                if not transaction.is_stale or transaction._is_conditional:
                    raise

    def borrow(self, key: Key) -> Borrowed:
        """Lends a value where it is, instead of copying it: `KeyError` if there is none.

        >>> with segment.borrow("image") as view:
        ...     total = sum(view)

        `view` is a read-only `memoryview`, released at the end of the block. Until then the memory that writers replace
        isn't used again: keep it short. Worth it for large values.
        """
        return Borrowed(self, key)

    def wait(self, key: Key, after: int, timeout: Optional[Seconds] = None) -> Optional[int]:
        """Waits until a key's version is above `after`: set or deleted. Returns the version, None: none came in time.

        >>> seen = segment.read("temperature")
        >>> while (version := segment.wait("temperature", after=seen.version, timeout=60)) is not None:
        ...     seen = segment.read("temperature")
        """
        unsigned("a version", after)
        version = ctypes.c_uint64()
        with contextlib.ExitStack() as stack:
            for index, ms in enumerate(slices(timeout)):
                if index == 1:
                    # While the key is watched, the further calls needn't ask the daemon.
                    stack.enter_context(self.watch(key))
                result = self._library.wait(self._held(), *counted(key), after, ms, ctypes.byref(version))
                if result != -errno.ETIMEDOUT:
                    check(result, self.name)
                    return version.value
        return None

    def watch(
        self,
        key: Optional[Key] = None,
        *,
        prefix: Optional[Key] = None,
        initial: bool = False,
        timeout: Optional[Seconds] = None,
    ) -> Watch:
        """Watches a key, all keys with a prefix, or the whole segment, from now on.

        >>> with segment.watch(prefix="sensor/") as watch:
        ...     for change in watch:
        ...         print(change.kind.name, change.key)

        With `initial` it begins with what is there now. Iteration ends when nothing has changed for `timeout`, or when
        another thread calls `cancel()`.
        """
        return Watch(self, key, prefix, initial, timeout)

    def lock_holder(self) -> Optional[LockHolder]:
        """Who holds the segment's lock, as the daemon knows it; None: nobody."""
        holder = RawLockHolder()
        result = self._library.lock_describe(self._held(), ctypes.byref(holder))
        if result == -errno.ENOENT:
            return None
        check(result, self.name)
        return LockHolder(
            program=holder.program.decode("utf-8", "replace"),
            pid=holder.pid or None,
            session=holder.session,
            taken_at=holder.taken_at or None,
        )

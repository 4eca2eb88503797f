"""What the daemon knows of segments."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Iterator
from typing import NamedTuple, Optional

from ._arguments import Path, socket_path, terminated
from ._library import READ_WRITE, RawSegmentInfo, library
from .errors import check


class SegmentInfo(NamedTuple):
    """What is known of a segment."""

    name: str
    """Its name."""
    segment_id: int
    """Issued by the daemon, never again."""
    generation: int
    """How often it has moved to new memory, from 1."""
    byte_count: int
    """Bytes of its data."""
    created_at: int
    """Nanoseconds since the epoch."""
    mode: int
    """Permission bits."""
    owner: int
    """A uid."""
    group: int
    """A gid."""
    sessions: int
    """How many processes are attached."""
    is_readable: bool
    """Whether the caller may open it."""
    is_writable: bool
    """Whether the caller may open it for writing."""


class LockHolder(NamedTuple):
    """Who holds a segment's lock."""

    program: str
    """As it calls itself."""
    pid: Optional[int]
    """In the daemon's pid namespace; None: not known."""
    session: int
    """As the daemon numbers sessions."""
    taken_at: Optional[int]
    """Nanoseconds since the epoch; None: not known."""


def _info(raw: RawSegmentInfo) -> SegmentInfo:
    return SegmentInfo(
        name=raw.name.decode(),
        segment_id=raw.segment_id,
        generation=raw.generation,
        byte_count=raw.byte_count,
        created_at=raw.created_at,
        mode=raw.mode,
        owner=raw.owner,
        group=raw.group,
        sessions=raw.sessions,
        is_readable=raw.access != 0,
        is_writable=raw.access == READ_WRITE,
    )


def describe(name: str, *, socket: Optional[Path] = None) -> SegmentInfo:
    """What the daemon knows of a segment: `SharedMemNotFound` if there is none."""
    raw = RawSegmentInfo()
    check(library().describe(socket_path(socket), terminated("a name", name), ctypes.byref(raw)), name)
    return _info(raw)


def segments(*, socket: Optional[Path] = None) -> Iterator[SegmentInfo]:
    """The segments that the caller may read, by name; each is a question to the daemon."""
    path, last = socket_path(socket), b""
    while True:
        raw = RawSegmentInfo()
        result = library().next_segment(path, last, ctypes.byref(raw))
        if result == -errno.ENOENT:
            return
        check(result)
        last = raw.name
        yield _info(raw)


def remove(name: str, *, socket: Optional[Path] = None) -> None:
    """Removes a segment: its owner and root may. Programs that are attached get `SharedMemRemoved`."""
    check(library().remove(socket_path(socket), terminated("a name", name)), name)

"""The Python package, in a segment of its own: values are compared here, by their generations here."""

import os
import sys

import sharedmem
from rival import Rival, now, serve


class Package(Rival):
    def __init__(self, key_count: int, segment: sharedmem.Segment) -> None:
        super().__init__(key_count)
        self.segment = segment
        for key, value in self.values.items():
            segment[key] = value
        # A program has its handles at hand: they are looked up before the time is taken.
        self.handles = {key: segment.key(key) for key in self.keys}

    def get(self, count: int) -> int:
        drawn, segment = self.drawn(count), self.segment
        found = [b""] * count
        start = now()
        for index, key in enumerate(drawn):
            found[index] = segment.get(key, b"")
        return self.checked(drawn, found, now() - start)

    def set(self, count: int) -> int:
        self.make_values()
        drawn, segment = self.drawn(count), self.segment
        values = [self.values[key] for key in drawn]
        start = now()
        for key, value in zip(drawn, values):
            segment[key] = value
        return self.checked_sets(drawn, segment.get, now() - start)

    def get_by_handle(self, count: int) -> int:
        drawn = self.drawn(count)
        handles = [self.handles[key] for key in drawn]
        found = [b""] * count
        start = now()
        for index, handle in enumerate(handles):
            found[index] = handle.get(b"")
        return self.checked(drawn, found, now() - start)

    def set_by_handle(self, count: int) -> int:
        self.make_values()
        drawn = self.drawn(count)
        handles = [self.handles[key] for key in drawn]
        values = [self.values[key] for key in drawn]
        start = now()
        for handle, value in zip(handles, values):
            handle.set(value)
        return self.checked_sets(drawn, self.segment.get, now() - start)


def main() -> None:
    key_count, socket = int(sys.argv[1]), sys.argv[2]
    name = f"python-{os.getpid()}"
    segment = sharedmem.Segment.create(name, socket=socket)
    try:
        serve(Package(key_count, segment))
    finally:
        sharedmem.remove(name, socket=socket)


main()

"""What the rivals in Python share: which keys are drawn, what their values are, and the requests that they answer."""

import random
import struct
import sys
import time
from collections.abc import Callable

VALUE_SIZE = 64


def value_of(number: int, generation: int) -> bytes:
    words = ((number * 8 + i) * 0x9E3779B97F4A7C15 + (generation if i < 7 else 0) for i in range(8))
    return struct.pack("<8Q", *(word & 0xFFFFFFFFFFFFFFFF for word in words))


class Rival:
    """Keys and values; a subclass has a method for each kind of work, which takes a count and returns its time."""

    def __init__(self, key_count: int) -> None:
        self.keys = [b"key-%012d" % number for number in range(key_count)]
        self.values: dict[bytes, bytes] = {}
        self.draws: list[bytes] = []
        self.generation = -1
        self.make_values()

    def make_values(self) -> None:
        """The values of the next generation."""
        self.generation += 1
        self.values = {key: value_of(number, self.generation) for number, key in enumerate(self.keys)}

    def drawn(self, count: int) -> list[bytes]:
        """The keys that are drawn next, each as often as any other."""
        while len(self.draws) < count:
            self.draws += random.sample(self.keys, len(self.keys))
        drawn, self.draws = self.draws[:count], self.draws[count:]
        return drawn

    def checked(self, drawn: list[bytes], found: list[bytes], duration: int) -> int:
        """The duration of gets, or -1 if one found a wrong value."""
        # The last eight bytes of a value are the same in every generation.
        tails = ((self.values[key][-8:], value[-8:]) for key, value in zip(drawn, found))
        is_right = all(expected == tail for expected, tail in tails) and {len(value) for value in found} == {VALUE_SIZE}
        return duration if is_right else -1

    def checked_sets(self, drawn: list[bytes], read: Callable[[bytes], object], duration: int) -> int:
        """The duration of sets, or -1 if one of the keys doesn't have its newest value."""
        return duration if all(read(key) == self.values[key] for key in drawn) else -1


def serve(rival: Rival) -> None:
    """Reads lines "WORK COUNT" and answers each with the nanoseconds it took, or -1 for a wrong value."""
    for line in sys.stdin:
        work, count = line.split()
        print(getattr(rival, work)(int(count)), flush=True)


now = time.perf_counter_ns

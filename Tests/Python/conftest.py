"""A daemon of the tests' own, and a segment of each test's own."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

import sharedmem

LIMIT = 60
"""Seconds after which something that must happen hasn't."""


class Daemon:
    """`$SHAREDMEMD` with a socket and a state directory of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket = str(self.folder / "control.sock")
        self.process = None

    def start(self):
        configuration = self.folder / "configuration.yaml"
        configuration.write_text("segments: {}\n")
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    os.environ["SHAREDMEMD"],
                    "--no-keeper",
                    "--config",
                    configuration,
                    "--socket",
                    self.socket,
                    "--state-directory",
                    self.folder / "state",
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                return list(sharedmem.segments(socket=self.socket))
            except sharedmem.SharedMemError:
                log = (self.folder / "log").read_text()
                assert self.process.poll() is None and time.monotonic() < deadline, log
            time.sleep(0.01)

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(LIMIT) == 0
            self.process = None


@pytest.fixture(scope="session")
def daemon():
    folder = tempfile.mkdtemp()
    daemon = Daemon(folder)
    daemon.start()
    os.environ["SHAREDMEM_SOCKET"] = daemon.socket
    yield daemon
    daemon.stop()
    shutil.rmtree(folder)


@pytest.fixture
def own_daemon():
    """One that a test may stop."""
    folder = tempfile.mkdtemp()
    daemon = Daemon(folder)
    daemon.start()
    yield daemon
    daemon.stop()
    shutil.rmtree(folder)


_numbers = itertools.count()


@pytest.fixture
def name(daemon):
    """A segment's name that is free, and is free again afterwards."""
    name = f"test-{next(_numbers)}"
    yield name
    try:
        sharedmem.remove(name)
    except sharedmem.SharedMemNotFound:
        pass


@pytest.fixture
def segment(name):
    with sharedmem.Segment.create(name, size=1 << 20) as segment:
        yield segment


@pytest.fixture
def reader(segment):
    """The same segment, read-only."""
    with sharedmem.Segment.open(segment.name, read_only=True) as reader:
        yield reader


@pytest.fixture
def traced(tmp_path):
    """Runs a script in another Python under strace: a line for each of the system calls that are named."""

    def run(calls, script, **environment):
        trace = tmp_path / "trace"
        command = ["strace", "-f", "-e", f"trace={calls}", "-o", trace, sys.executable, "-c", script]
        subprocess.run(command, check=True, timeout=LIMIT, env={**os.environ, **environment})
        return trace.read_text()

    return run

"""How the C library is found."""

import os


def test_it_is_found_without_another_program(daemon, traced, tmp_path):
    (tmp_path / "libsharedmem.so.1").symlink_to(os.environ["SHAREDMEM_LIBRARY"])
    environment = {"SHAREDMEM_LIBRARY": "", "LD_LIBRARY_PATH": str(tmp_path)}
    trace = traced("execve", "import sharedmem; list(sharedmem.segments())", **environment)
    executed = [line for line in trace.splitlines() if "execve(" in line]
    assert len(executed) == 1 and "python" in executed[0]

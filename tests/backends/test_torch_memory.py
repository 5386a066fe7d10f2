"""Memory that PyTorch's steps free stays with the process."""

import os
import platform
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("torch")

PROGRAM = """
    import os
    import cornu
    cornu.set_backend("torch")
    import torch

    def held():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

    before = held()
    arrays = [torch.ones(1 << 18) for _ in range(200)]  # 1 MiB each
    most = held()
    arrays.clear()
    print(most - before, held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
@pytest.mark.parametrize(("settings", "keeps"), [({}, True), ({"MALLOC_TRIM_THRESHOLD_": "131072"}, False)])
def test_freed_memory_is_kept_unless_the_user_says_otherwise(settings, keeps):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **settings}
    program = textwrap.dedent(PROGRAM)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    most, left = map(int, done.stdout.split())
    assert most >= 195
    assert (left >= 150) is keeps

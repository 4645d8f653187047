"""`zhengtong index rebuild` takes the cores that others leave."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# In a process of its own, as niceness cannot be taken back.
GIVES_WAY = """
import os, sys
from pathlib import Path
from gateway.cli import index

index.AUTOGROUP = group = Path(sys.argv[1])
before = os.nice(0)
with index._behind_others():
    print(os.nice(0) == min(before + index.BEHIND, 19), group.exists() and group.read_text())
print(group.exists() and group.read_text())
"""


def gives_way(autogroup: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", GIVES_WAY, str(autogroup)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout.split()


def test_it_is_behind_others_in_its_session_and_its_session_behind_others(tmp_path):
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("/autogroup-7 nice 3\n")
    assert gives_way(autogroup) == ["True", "15", "3"]


def test_a_kernel_without_groups_of_sessions_is_fine(tmp_path):
    assert gives_way(tmp_path / "absent" / "autogroup") == ["True", "False", "False"]


def test_a_process_outside_every_session_group_is_fine(tmp_path):
    autogroup = tmp_path / "autogroup"
    autogroup.write_text(
        ""
    )  # as the kernel says in containers whose first process leads no session
    assert gives_way(autogroup) == ["True"]

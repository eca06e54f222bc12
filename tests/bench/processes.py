"""Process trees, memory and CPU time from /proc. The harness is a subreaper: whatever a peer starts stays below it."""
import ctypes
import os
import signal
import time
from typing import Callable

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def read(path: str) -> str:
    try:
        with open(path, errors='replace') as file:
            return file.read()
    except OSError:  # the process is gone
        return ''


def threads(pid: int) -> list[str]:
    try:
        return os.listdir(f'/proc/{pid}/task')
    except OSError:
        return []


def alive(pid: int) -> bool:
    state = read(f'/proc/{pid}/stat').rpartition(')')[2].split()
    return bool(state) and state[0] not in 'ZX'


def children(pid: int) -> set[int]:
    pids = {int(child) for thread in threads(pid) for child in read(f'/proc/{pid}/task/{thread}/children').split()}
    return {child for child in pids if alive(child)}


def tree(pid: int) -> set[int]:
    """The live descendants of a process."""
    found, todo = set(), [pid]
    while todo:
        new = children(todo.pop()) - found
        found |= new
        todo += new
    return found


def pss_mib(pid: int) -> float:
    """Proportional memory: pages that several processes share count in parts."""
    for line in read(f'/proc/{pid}/smaps_rollup').splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) / 1024
    return 0.0


def wakeups(pid: int) -> int:
    """Context switches so far, of all threads."""
    return sum(int(line.split()[1]) for thread in threads(pid)
               for line in read(f'/proc/{pid}/task/{thread}/status').splitlines() if 'ctxt_switches' in line)


def cpu_seconds(pids: set[int]) -> float:
    """CPU time so far, of all threads."""
    return sum(int(read(f'/proc/{pid}/task/{thread}/schedstat').split(' ')[0] or 0)
               for pid in pids for thread in threads(pid)) / 1e9


def wait_until(test: Callable[[], object], limit: float, step: float = 0.001) -> float | None:
    """Seconds until test() is true, or None after limit seconds."""
    start = time.monotonic()
    while True:
        passed, elapsed = test(), time.monotonic() - start
        if passed:
            return elapsed
        if elapsed > limit:
            return None
        time.sleep(step)


def kill(find: Callable[[], set[int]]) -> None:
    """SIGKILL until nothing is found, since a supervisor may fork meanwhile; collects the zombies."""
    for _ in range(100):
        pids = find()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not pids:
            return
        time.sleep(0.01)

"""What is measured: one function per figure, each on a peer that it starts for itself."""
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from client import Lost, get, outcome, receive, request, send
from peers import HERE, PEERS, Peer, ReeveProbe, ReeveUvicorn, Uvicorn
from processes import alive, cpu_seconds, pss_mib, wait_until, wakeups

BOOT, STOP, DRAIN = 60, 45, 20  # the longest a start, a stop and a drain may take, in seconds
Found = dict[str, float | str]


@dataclass(frozen=True)
class Effort:
    """How long and how often."""
    repetitions: int   # of every figure, interleaved across the peers; the report has the median
    load_seconds: int  # of wrk, after one second of warming up
    starts: int
    kills: int
    rolls: int
    idle_seconds: int


NORMAL = Effort(repetitions=3, load_seconds=3, starts=3, kills=3, rolls=5, idle_seconds=5)
QUICK = Effort(repetitions=1, load_seconds=1, starts=2, kills=2, rolls=3, idle_seconds=2)
WORKERS = 2


def ms(seconds: float | None) -> float | str:
    return 'never' if seconds is None else seconds * 1000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    with contextlib.suppress(Lost, OSError):
        return bool(get(port))
    return False


@contextlib.contextmanager
def running(kind: type[Peer], workers: int = WORKERS):
    """A peer that has answered once and has all its workers ready; killed on the way out."""
    with tempfile.TemporaryDirectory(prefix=f'bench-{kind.name}-') as directory:
        peer = kind(directory, free_port(), workers)
        step = 0.001 if workers < 50 else 0.01  # Looking costs the machine something, too.
        peer.start()
        try:
            answered = wait_until(lambda: answers(peer.port) or not alive(peer.master), BOOT, step)
            if answered is None or not alive(peer.master):
                with open(peer.path('log')) as log:
                    raise TimeoutError(f'{kind.name} does not answer: {log.read()[-2000:]}')
            peer.first_answer = time.monotonic() - peer.started
            if wait_until(peer.all_ready, BOOT, step) is None:
                raise TimeoutError(f'{kind.name} has {len(peer.workers())} of {workers} workers')
            peer.all_ready_after = time.monotonic() - peer.started
            yield peer
        finally:
            peer.kill()


def settle(peer: Peer, limit: float = 10) -> float:
    """Waits until the tree has been quiet (below 5 % of a core) for 0.2 s: every worker has really booted.
    Returns when that quiet began."""
    looked, used = time.monotonic(), cpu_seconds(peer.tree())
    quiet_since, end = looked, looked + limit
    while time.monotonic() < min(quiet_since + 0.2, end):
        time.sleep(0.02 if peer.count < 50 else 0.1)
        last, looked = looked, time.monotonic()
        before, used = used, cpu_seconds(peer.tree())
        if used - before > 0.05 * (looked - last):
            quiet_since = looked
    return quiet_since


def wrk(peer: Peer, seconds: int, *arguments: str) -> tuple[float, float, int]:
    """Requests a second, CPU microseconds of the peer a request, and failed requests."""
    command = ['wrk', '-t1', '-c64', *arguments, f'http://127.0.0.1:{peer.port}/']
    subprocess.run([*command, '-d1s'], capture_output=True, timeout=30, check=True)
    before = cpu_seconds(peer.tree())
    text = subprocess.run([*command, f'-d{seconds}s'], capture_output=True, text=True, timeout=seconds + 30,
                          check=True).stdout
    used = cpu_seconds(peer.tree()) - before
    rate = float(re.search(r'Requests/sec:\s+([\d.]+)', text)[1])
    count = int(re.search(r'(\d+) requests in', text)[1])
    errors = sum(map(int, re.findall(r'(?:connect|read|write|timeout|responses:) (\d+)', text)))
    return rate, used * 1e6 / max(1, count), errors


def throughput(kind: type[Peer], effort: Effort) -> Found:
    with running(kind) as peer:
        settle(peer)
        rate, cpu_us, errors = wrk(peer, effort.load_seconds)
        return {'rps': rate, 'cpu_us': cpu_us, 'errors': errors}


def throughput_close(kind: type[Peer], effort: Effort) -> Found:
    with running(kind) as peer:
        settle(peer)
        rate, cpu_us, errors = wrk(peer, effort.load_seconds, '-H', 'Connection: close')
        return {'close_rps': rate, 'close_cpu_us': cpu_us, 'close_errors': errors}


def start(kind: type[Peer], effort: Effort) -> Found:
    times = []
    for _ in range(effort.starts):
        with running(kind) as peer:
            times.append(peer.first_answer)
    return {'start_ms': ms(statistics.median(times))}


def stop_idle(kind: type[Peer], effort: Effort) -> Found:
    del effort
    with running(kind) as peer:
        settle(peer)
        connections = [send(peer.port, keep_alive=True) for _ in range(8)]
        for connection in connections:
            receive(connection)
        peer.signal('TERM')
        took = wait_until(peer.gone, STOP)
        for connection in connections:
            connection.close()
    return {'stop_idle_ms': ms(took)}


def stop_in_flight(kind: type[Peer], effort: Effort) -> Found:
    """8 requests that take two seconds; TERM half a second after they were sent."""
    del effort
    kind = ReeveProbe if kind.name == 'reeve' and ReeveProbe.installed() else kind
    if kind.slow_path is None:
        return {}
    with running(kind) as peer:
        settle(peer)
        outcomes = []
        asks = [threading.Thread(target=lambda: outcomes.append(outcome(peer.port, kind.slow_path, STOP)))
                for _ in range(8)]
        for ask in asks:
            ask.start()
        time.sleep(0.5)
        peer.signal('TERM')
        took = wait_until(peer.gone, STOP)
        for ask in asks:
            ask.join(STOP)
    return {'in_flight_lost': 8 - outcomes.count('ok'), 'in_flight_stop_ms': ms(took)}


def respawn(kind: type[Peer], effort: Effort) -> Found:
    """A worker is killed; until its successor has answered, which its X-Pid shows."""
    times = []
    with running(kind) as peer:
        for _ in range(effort.kills):
            settle(peer)
            old = peer.workers()
            os.kill(max(old), signal.SIGKILL)
            took = wait_until(lambda: answering(peer.port) & (peer.workers() - old), 10)
            if took is None:
                return {'respawn_ms': 'never'}
            times.append(took)
            time.sleep(1.2)  # A crash soon after a start may be answered by a back-off.
    return {'respawn_ms': ms(statistics.median(times))}


def answering(port: int, count: int = 16) -> set[int]:
    """The pids that answer simultaneous connections."""
    connections, pids = [], set()
    with contextlib.suppress(Lost, OSError):
        for _ in range(count):
            connections.append(send(port, timeout=2))
    for connection in connections:
        with connection, contextlib.suppress(Lost):
            pids.add(receive(connection).pid)
    return pids


def rolling(kind: type[Peer], effort: Effort) -> Found:
    """Rolling restarts under load: how long each takes, what is lost, and the longest silence."""
    if not kind.can_roll:
        return {}
    times = []
    with running(kind) as peer:
        settle(peer)
        with under_load(peer) as load:
            time.sleep(1.5)
            begin = time.monotonic()
            for _ in range(effort.rolls):
                old, at = peer.workers(), time.monotonic()
                peer.roll()
                times.append(time.monotonic() - at)
                if wait_until(lambda: not old & peer.tree(), DRAIN) is None:
                    raise TimeoutError(f'{kind.name}: an old worker did not leave')
                time.sleep(0.3)
            end = time.monotonic()
            time.sleep(0.5)
    answered = sorted(at for at, _, _ in load['ok'] if begin <= at <= end)
    lost = [word for at, word in load['lost'] if at >= begin]
    gaps = [later - earlier for earlier, later in zip(answered, answered[1:])]
    found = {'roll_ms': ms(statistics.median(times)), 'roll_lost': len(lost), 'rolls': len(times),
             'roll_requests': len(answered) + len(lost), 'roll_gap_ms': ms(max(gaps, default=None))}
    if lost:
        found['roll_lost_how'] = ', '.join(f'{lost.count(word)} {word}' for word in sorted(set(lost)))
    return found


@contextlib.contextmanager
def under_load(peer: Peer, new: int = 32, keep: int = 16):
    """Load on a peer; the dict that it yields is filled on the way out."""
    load = subprocess.Popen([sys.executable, f'{HERE}/load.py', str(peer.port), str(new), str(keep), '180'],
                            stdout=subprocess.PIPE)
    peer.helpers.add(load.pid)
    result = {}
    try:
        yield result
        load.terminate()
        result.update(json.loads(load.communicate(timeout=30)[0]))
    finally:
        load.kill()
        load.wait()


def latency(kind: type[Peer], count: int = 200) -> float:
    """The median time of a request, in milliseconds, of one client that keeps its connection."""
    times = []
    with running(kind, workers=1) as peer:
        settle(peer)
        with send(peer.port, keep_alive=True) as connection:
            receive(connection)
            for _ in range(count):
                begin = time.monotonic()
                connection.sendall(request('/', keep_alive=True))
                receive(connection)
                times.append(time.monotonic() - begin)
    return ms(statistics.median(times))


def uvicorn(kind: type[Peer], effort: Effort) -> Found:
    """What it costs a foreign program to be supervised: a uvicorn on Reeve's socket, and one on its own."""
    del effort
    if kind.name != 'reeve' or not Uvicorn.installed():
        return {}
    supervised, alone = latency(ReeveUvicorn), latency(Uvicorn)
    return {'uvicorn_ms': supervised, 'uvicorn_alone_ms': alone, 'uvicorn_ratio': supervised / alone}


def cost(kind: type[Peer], effort: Effort) -> Found:
    with running(kind) as peer:
        for _ in range(20):
            answering(peer.port)
        settle(peer)
        before = wakeups(peer.master)
        time.sleep(effort.idle_seconds)
        woken = wakeups(peer.master) - before
        workers = peer.workers()
        return {'master_pss_mib': pss_mib(peer.master), 'master_wakeups_s': woken / effort.idle_seconds,
                'worker_pss_mib': statistics.mean(pss_mib(pid) for pid in workers)}


def crowd(kind: type[Peer], effort: Effort, workers: int, prefix: str) -> Found:
    """Many workers: until all are ready, and what they cost the master when nothing happens."""
    if workers > kind.most_workers:
        return {}
    with running(kind, workers) as peer:
        quiet_since = settle(peer, BOOT) - peer.started
        used, woken = cpu_seconds({peer.master}), wakeups(peer.master)
        time.sleep(effort.idle_seconds)
        used, woken = cpu_seconds({peer.master}) - used, wakeups(peer.master) - woken
        memory = pss_mib(peer.master)
        # A master that knows readiness tells; of the others, the workers exist and have nothing left to do.
        ready = peer.all_ready_after if kind.name == 'reeve' else max(quiet_since, peer.all_ready_after)
        peer.signal('TERM')
        return {f'{prefix}_ready_ms': ms(ready), f'{prefix}_idle_percent': used / effort.idle_seconds * 100,
                f'{prefix}_wakeups_s': woken / effort.idle_seconds, f'{prefix}_master_pss_mib': memory,
                f'{prefix}_stop_ms': ms(wait_until(peer.gone, STOP, 0.01))}


def scale_100(kind: type[Peer], effort: Effort) -> Found:
    return crowd(kind, effort, 100, 'scale_100')


def scale_500(kind: type[Peer], effort: Effort) -> Found:
    return crowd(kind, effort, 500, 'scale_500')


FIGURES = {figure.__name__: figure for figure in (throughput, throughput_close, start, respawn, stop_idle,
                                                  stop_in_flight, rolling, uvicorn, cost,
                                                  scale_100, scale_500)}
ONCE = {'cost', 'scale_100', 'scale_500', 'stop_in_flight', 'respawn'}
__all__ = ['FIGURES', 'ONCE', 'NORMAL', 'QUICK', 'PEERS', 'Effort', 'Found']

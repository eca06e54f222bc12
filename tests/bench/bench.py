"""Measures Reeve beside other prefork servers, in one interleaved run, and prints a table with the budgets.

  bench.py                      Reeve, nginx, gunicorn and supervisord: less than five minutes
  bench.py --quick              Reeve and nginx, less sure, less than a minute
  bench.py --peer reeve,nginx,gunicorn --what start,rolling --json figures.jsonl

All traffic stays on 127.0.0.1 and every wait is bounded. The servers share the cores with their clients and the
machine is noisy: compare within one run only, on an otherwise idle machine.
"""
import argparse
import json
import itertools
import signal
import subprocess
import sys

from figures import FIGURES, NORMAL, ONCE, PEERS, QUICK, Effort
from report import table


def chosen(text: str, known: dict) -> list[str]:
    names = list(known) if text == 'all' else text.split(',')
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f'unknown: {", ".join(unknown)}; known: {", ".join(known)}')
    return names


def installed(names: list[str]) -> list[str]:
    for name in names:
        if not PEERS[name].installed():
            print(f'{name}: left out, {PEERS[name].program} is not there', file=sys.stderr)
    return [name for name in names if PEERS[name].installed()]


def measure(peers: list[str], what: list[str], effort: Effort, store) -> list[dict]:
    """Runs figure after figure, each on all peers in turn, and all of that again for each repetition."""
    lines = []

    def keep(peer: str, found: dict):
        for figure, value in found.items():
            lines.append({'peer': peer, 'figure': figure, 'value': value})
            store(lines[-1])

    for peer in peers:
        keep(peer, {'version': PEERS[peer].version()})
    for repetition, figure, peer in itertools.product(range(effort.repetitions), what, peers):
        if repetition and (figure in ONCE or PEERS[peer].slow):
            continue
        print(f'{repetition + 1}/{effort.repetitions} {figure} {peer}', file=sys.stderr, flush=True)
        try:
            keep(peer, FIGURES[figure](PEERS[peer], effort))
        except (TimeoutError, OSError, subprocess.SubprocessError) as error:
            print(f'{figure} {peer}: {error}', file=sys.stderr, flush=True)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='one repetition, shorter loads')
    parser.add_argument('--peer', help=f'all, or of: {", ".join(PEERS)}; the first four, or the first two if --quick')
    parser.add_argument('--what', default='all', help=f'all, or of: {", ".join(FIGURES)}')
    parser.add_argument('--versus', default='nginx', help='the peer that ratios are to')
    parser.add_argument('--json', metavar='FILE', help='also append each figure to this file, one JSON object a line')
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is cleaned up

    def store(line: dict):
        if arguments.json:
            with open(arguments.json, 'a') as file:
                print(json.dumps(line), file=file)

    peers = installed(chosen(arguments.peer or ','.join(list(PEERS)[:2 if arguments.quick else 4]), PEERS))
    lines = measure(peers, chosen(arguments.what, FIGURES), QUICK if arguments.quick else NORMAL, store)
    print(table(lines, arguments.versus))


if __name__ == '__main__':
    main()

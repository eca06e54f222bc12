"""The table: every figure beside its budget, one column per peer, and Reeve's ratio to the peer it is held against."""
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    figure: str
    label: str
    unit: str = ''
    budget: float | None = None  # absolute
    relative: float | None = None  # times the value of the peer compared with
    more_is_better: bool = False

    def budget_text(self, versus: str) -> str:
        sign = '≥' if self.more_is_better else '≤'
        if self.relative is not None:
            return f'{sign} {versus}'
        return '' if self.budget is None else f'{sign} {self.budget:g}' if self.budget else '0'

    def met(self, value, other) -> bool | None:
        """None where nothing can be said."""
        limit = self.budget
        if self.relative is not None:
            limit = other * self.relative if isinstance(other, (int, float)) else None
        if limit is None or value is None:
            return None
        if not isinstance(value, (int, float)):  # 'never'
            return False
        return value >= limit if self.more_is_better else value <= limit


def _scale(workers: int, ready_ms: float, wakeups: float | None = None, pss_mib: float | None = None) -> tuple:
    figure = f'scale_{workers}'
    return (Row(f'{figure}_ready_ms', f'{workers} workers, all ready', 'ms', ready_ms),
            Row(f'{figure}_idle_percent', f'{workers} workers, CPU of the idle master', '%', 1),
            Row(f'{figure}_wakeups_s', f'{workers} workers, its wake-ups per second', '', wakeups),
            Row(f'{figure}_master_pss_mib', f'{workers} workers, its PSS', 'MiB', pss_mib),
            Row(f'{figure}_stop_ms', f'{workers} workers, stop', 'ms'))


ROWS = (
    Row('rps', 'requests/s, keep-alive', relative=1, more_is_better=True),
    Row('close_rps', 'requests/s, one connection per request', relative=1, more_is_better=True),
    Row('cpu_us', 'CPU per keep-alive request', 'µs', relative=1),
    Row('close_cpu_us', 'CPU per request with its connection', 'µs'),
    Row('start_ms', 'start → first 200', 'ms', 25),
    Row('respawn_ms', 'worker killed → successor serving', 'ms', 10),
    Row('stop_idle_ms', 'stop, 8 idle keep-alive connections', 'ms', 20),
    Row('roll_ms', 'rolling restart, new generation serving', 'ms', 60),
    Row('rolls', 'rolls under load'),
    Row('roll_requests', 'requests during the rolls'),
    Row('roll_lost', 'of them lost', budget=0),
    Row('roll_lost_how', 'how'),
    Row('roll_gap_ms', 'longest silence during a roll', 'ms', 10),
    Row('in_flight_lost', '8 requests in flight at TERM: lost', budget=0),
    Row('in_flight_stop_ms', 'that stop (the requests need 1,500)', 'ms'),
    Row('uvicorn_ms', 'a keep-alive request to uvicorn, median', 'ms'),
    Row('uvicorn_alone_ms', 'the same without Reeve', 'ms'),
    Row('uvicorn_ratio', 'the ratio of the two', '', 1.1),
    Row('master_pss_mib', 'master, PSS', 'MiB', 6),
    Row('master_wakeups_s', 'master, idle wake-ups per second', '', 2),
    Row('worker_pss_mib', 'worker, PSS', 'MiB', 2.5),
    *_scale(100, ready_ms=400),
    *_scale(500, ready_ms=3000, wakeups=2, pss_mib=12),
    Row('errors', 'failed requests, keep-alive'),
    Row('close_errors', 'failed requests, one connection per request'),
)
SUMS = {'rolls', 'roll_requests', 'roll_lost', 'errors', 'close_errors'}
WORST = {'roll_gap_ms'}


def combine(figure: str, values: list):
    """One value for the repetitions of a figure."""
    if figure in SUMS:
        return sum(values)
    if not all(isinstance(value, (int, float)) for value in values):
        return '; '.join(dict.fromkeys(map(str, values)))
    return max(values) if figure in WORST else statistics.median(values)


def show(value) -> str:
    if value is None:
        return ''
    if not isinstance(value, float):
        return f'{value:,}' if isinstance(value, int) else str(value)
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def table(lines: list[dict], versus: str, ours: str = 'reeve') -> str:
    """`lines` are {"peer", "figure", "value"}; repetitions are combined."""
    values: dict[str, dict[str, list]] = {}
    for line in lines:
        values.setdefault(line['peer'], {}).setdefault(line['figure'], []).append(line['value'])
    combined = {peer: {name: combine(name, found) for name, found in figures.items()}
                for peer, figures in values.items()}
    peers = list(combined)
    heads = [f'{peer} {combined[peer].get("version", "")}'.strip() for peer in peers]
    rows = [['', *heads, f'{ours}/{versus}', 'budget', '']]
    for row in ROWS:
        cells = [combined[peer].get(row.figure) for peer in peers]
        if any(cell is not None for cell in cells):
            rows.append(_line(row, cells, combined.get(ours, {}), combined.get(versus, {}), versus))
    return _markdown(rows)


def _line(row: Row, cells: list, ours: dict, theirs: dict, versus: str) -> list[str]:
    value, other = ours.get(row.figure), theirs.get(row.figure)
    both = isinstance(value, (int, float)) and isinstance(other, (int, float)) and other
    ratio = f'{value / other:.2f}' if both and row.figure not in SUMS else ''
    verdict = {None: '', True: 'ok', False: 'OVER'}[row.met(value, other)]
    label = f'{row.label}, {row.unit}' if row.unit else row.label
    return [label, *map(show, cells), ratio, row.budget_text(versus), verdict]


def _markdown(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [[cell.ljust(width) if column == 0 else cell.rjust(width)
               for column, (cell, width) in enumerate(zip(row, widths))] for row in rows]
    padded.insert(1, ['-' * width for width in widths])
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in padded)

"""The table combines repetitions and judges budgets. Run by ctest: python3 -m unittest test_report.py"""
import unittest

from report import ROWS, combine, show, table


def lines(**values):
    return [{'peer': peer, 'figure': figure, 'value': value}
            for peer, figures in values.items() for figure, found in figures.items() for value in found]


def row(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if label in line)
    return [cell.strip() for cell in line.strip('|').split('|')]


class Repetitions(unittest.TestCase):
    def test_losses_add_up_gaps_show_their_worst_and_times_their_median(self):
        self.assertEqual(combine('roll_lost', [1, 0, 2]), 3)
        self.assertEqual(combine('roll_gap_ms', [1.0, 9.0, 2.0]), 9.0)
        self.assertEqual(combine('start_ms', [1.0, 9.0, 2.0]), 2.0)

    def test_a_time_that_never_came_is_not_averaged_away(self):
        self.assertIn('never', combine('start_ms', [1.0, 'never', 2.0]))


class Verdicts(unittest.TestCase):
    def test_a_budget_may_be_absolute_or_the_other_peer(self):
        text = table(lines(reeve={'start_ms': [20.0], 'rps': [90.0], 'roll_lost': [0]},
                           nginx={'start_ms': [7.0], 'rps': [100.0], 'roll_lost': [3]}), 'nginx')
        self.assertEqual(row(text, 'start')[1:], ['20.0', '7.00', '2.86', '≤ 25', 'ok'])
        self.assertEqual(row(text, 'keep-alive')[1:], ['90.0', '100', '0.90', '≥ nginx', 'OVER'])
        self.assertEqual(row(text, 'lost')[-2:], ['0', 'ok'])

    def test_never_misses_every_budget(self):
        text = table(lines(reeve={'respawn_ms': ['never']}, nginx={'respawn_ms': [3.0]}), 'nginx')
        self.assertEqual(row(text, 'killed')[-1], 'OVER')

    def test_what_reeve_did_not_run_has_no_verdict(self):
        text = table(lines(nginx={'start_ms': [7.0]}), 'nginx')
        self.assertEqual(row(text, 'start')[-1], '')

    def test_each_figure_has_one_row(self):
        figures = [row.figure for row in ROWS]
        self.assertEqual(len(figures), len(set(figures)))


class Numbers(unittest.TestCase):
    def test_three_digits_are_enough(self):
        self.assertEqual([show(value) for value in (155241.3, 20.14, 1.803, 0, 'never', None)],
                         ['155,241', '20.1', '1.80', '0', 'never', ''])


if __name__ == '__main__':
    unittest.main()

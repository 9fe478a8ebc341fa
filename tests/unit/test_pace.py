"""How large batches become: from their seconds, which are made up here, and nothing else."""

from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from runs import N, finished, planted, ranking
from spex_widget.algorithms import ProxySPEX
from spex_widget.games import FunctionGame
from spex_widget.session import AblationLog, jobs
from spex_widget.session.floor import Repeats
from spex_widget.session.jobs import Jobs
from spex_widget.session.meter import Meter
from spex_widget.session.pace import Pace


def sizes(seconds, batches=40, noise=0.0, first=0.0, seed=0):
    """The sizes of batches that take so long: what a function of their rows says, with noise, the first one longer."""
    pace, rng, found = Pace(), np.random.default_rng(seed), []
    for i in range(batches):
        found.append(pace.size)
        pace.note(pace.size, seconds(pace.size) * np.exp(noise * rng.normal()) + (first if i == 0 else 0))
    return found


def line(batch, row):
    return lambda rows: batch + row * rows


@pytest.mark.parametrize(
    ("batch", "row", "best"),
    [(0, 1e-3, 100), (0.02, 1e-3, 80), (0.2, 1e-3, 200), (2, 0.01, 200), (0, 1, 1), (5e-3, 2e-5, 2048), (0, 0, 2048)],
)
@pytest.mark.parametrize("first", [0, 3])
def test_a_batch_takes_as_long_as_a_person_waits_or_twice_what_it_takes_whatever_its_size(batch, row, best, first):
    late = sizes(line(batch, row), 60, first=first)[30:]
    assert np.median(late) == pytest.approx(best, rel=0.02)
    assert max(late) <= 2 * best


@pytest.mark.parametrize(("batch", "row", "best"), [(0, 1e-3, 100), (0.02, 1e-3, 80), (0.2, 1e-3, 200), (2, 0.01, 200)])
def test_noise_does_no_more_than_it_must(batch, row, best):
    runs = [sizes(line(batch, row), 60, noise=0.3, seed=seed)[30:] for seed in range(20)]
    assert best / 1.5 < np.median(runs) < 1.5 * best
    assert sum(np.median(run) < best / 4 for run in runs) <= 1
    assert sum(np.median(run) > best * 3 for run in runs) <= 1


def test_where_times_say_next_to_nothing_no_batch_becomes_far_too_large():
    late = [sizes(line(0.2, 1e-3), 60, noise=0.8, seed=seed)[20:] for seed in range(20)]
    assert np.quantile(late, 0.95) < 5 * 200


def test_one_slow_batch_changes_little_and_other_times_are_learnt():
    def slow_once(rows):
        calls.append(rows)
        return 1e-3 * rows + (5 if len(calls) == 20 else 0)

    calls = []
    sizes(slow_once)
    assert min(calls[5:]) >= 40
    calls = []
    sizes(lambda rows: (calls.append(rows), line(0 if len(calls) > 30 else 0.2, 1e-3)(rows))[1], 60)
    assert np.median(calls[20:30]) == pytest.approx(200, rel=0.02)
    assert np.median(calls[50:]) == pytest.approx(100, rel=0.02)


def test_batches_grow_step_by_step():
    found = sizes(line(0, 0))
    assert found[:6] == [8, 32, 128, 512, 2048, 2048]


class Devices:
    """Answers so many batches at a time, each in 10 ms and 1 ms a row of its own clock, one by one or together."""

    def __init__(self, monkeypatch, slots, together):
        self.now, self.slots, self._together = 0.0, slots, together
        self._out = []
        monkeypatch.setattr(jobs, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def submit(self, coalitions, priority):
        began = max([self.now, *(end for end, _, _ in self._out)]) if not self._together else self.now
        future = Future()
        self._out.append((began + 0.01 + 1e-3 * len(coalitions), future, coalitions))
        return future

    def go_on(self):
        """Until the next batch is done, with all that are done by then."""
        self.now = min(end for end, _, _ in self._out)
        for end, future, coalitions in self._out:
            if end <= self.now:
                future.set_result(planted(coalitions)[:, None])
        self._out = [job for job in self._out if job[0] > self.now]


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
@pytest.mark.parametrize("together", [False, True])
def test_the_rate_is_of_what_all_do_in_the_time_that_passes(monkeypatch, tmp_path, slots, together):
    devices, game = Devices(monkeypatch, slots, together), FunctionGame(planted, N)
    log = AblationLog(game, path=tmp_path / "log")
    queue = Jobs(ProxySPEX(N), log, Meter(game), Repeats(log, 0))
    told = []
    while queue.done < 20_000:
        while queue.out < slots and (job := queue.next(20_000)) is not None:
            queue.submit(job, devices)
        devices.go_on()
        queue.settle(patient=True)
        told.append((devices.now, queue.done, queue.pace.rate))
    log.close()
    now, done, rate = np.array(told)[len(told) // 2 : -slots].T
    assert np.median(rate) == pytest.approx((done[-1] - done[0]) / (now[-1] - now[0]), rel=0.1)
    assert rate.min() > 0.5 * np.median(rate)
    assert rate.max() < 2 * np.median(rate)


def test_the_size_of_batches_changes_no_result(monkeypatch):
    def made_up(self, rows, seconds):
        self.size = int(rng.integers(1, 200))

    one = ranking(finished(budget=512))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        monkeypatch.setattr(Pace, "note", made_up)
        assert ranking(finished(budget=512)) == one

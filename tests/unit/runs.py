"""A planted game, evaluators that let a test decide when batches come back, and runs of them."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spex_widget.games import FunctionGame
from spex_widget.session import InlineEvaluator, Session
from spex_widget.session.evaluator import PROBE

N = 24


def planted(x):
    return 3.0 * (x[:, 0] & x[:, 1] & x[:, 2]) - 2.0 * (x[:, 5] | x[:, 6]) + x[:, 9] + 0.3 * (x[:, 11] & x[:, 12])


class Late:
    """Evaluates in several threads, each batch after a delay, so that they come back in another order."""

    slots = 3

    def __init__(self, game, seed):
        self._game = game
        self._random = random.Random(seed)
        self._pool = ThreadPoolExecutor(3)

    def submit(self, coalitions, priority):
        delay = self._random.uniform(0, 0.01)
        return self._pool.submit(lambda: (time.sleep(delay), self._game(coalitions))[1])


class Gate:
    """Lets a test decide when each batch comes back."""

    slots = 1

    def __init__(self, game):
        self._inline = InlineEvaluator(game)
        self.asked: list[np.ndarray] = []
        self.open = threading.Semaphore(0)
        self.waiting = threading.Event()

    def submit(self, coalitions, priority):
        self.asked.append(coalitions)
        self.waiting.set()
        assert self.open.acquire(timeout=30)
        return self._inline.submit(coalitions, priority)


class Held:
    """Answers so many ablations of rounds, the others once `go_on` is set, and what is asked aside once `answer` is."""

    slots = 2

    def __init__(self, game, rounds):
        self._inline = InlineEvaluator(game)
        self._aside = ThreadPoolExecutor(1)
        self._rounds = rounds
        self.go_on, self.answer = threading.Event(), threading.Event()

    def submit(self, coalitions, priority):
        if priority == PROBE:
            return self._aside.submit(self._later, coalitions)
        self._rounds -= len(coalitions)
        assert self._rounds >= 0 or self.go_on.wait(30)
        return self._inline.submit(coalitions, priority)

    def _later(self, coalitions):
        assert self.answer.wait(30)
        return self._inline.submit(coalitions, PROBE).result()


def ranking(session):
    return [(row["members"], row["effect"]) for row in session.result.ranking()]


class Failing:
    """A planted game whose model is gone once it has answered `left` more ablations.

    `breaks` is in its traceback.
    """

    def __init__(self, f=planted, left=10_000):
        self._f, self.left = f, left

    def breaks(self, x):
        self.left -= len(x)
        if self.left < 0:
            raise OSError("no route to the model")
        return self._f(x)


class Watched:
    """Lets a test wait for what a session's snapshots say."""

    def __init__(self, session):
        self._moved = threading.Condition()
        self.seen = []
        session.subscribe(self._take)

    def _take(self, snapshot):
        with self._moved:
            self.seen.append(snapshot)
            self._moved.notify_all()

    def until(self, holds):
        with self._moved:
            assert self._moved.wait_for(lambda: self.seen and holds(self.seen[-1]), 30)
            return self.seen[-1]


def finished(game=None, **kwargs):
    session = Session(game or FunctionGame(planted, N), **kwargs)
    session.wait(60)
    return session

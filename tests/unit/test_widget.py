"""The widget's Python side: what it sends, what it takes, and the one private name that it leans on."""

import subprocess
import sys
import threading

import ipykernel
import numpy as np
import pytest
from ipykernel.comm import Comm

import spex_widget as spex
from runs import Watched
from spex_widget.snapshot import VERDICTS, decode
from spex_widget.widget.host import answer_beside_cells


def planted(x):
    return 2.0 * (x[:, 0] & x[:, 1] & x[:, 2]) + x[:, 4]


@pytest.fixture
def view():
    view = spex.explain(spex.FunctionGame(planted, 20, players=[f"<b>{i}" for i in range(20)]), budget=128)
    yield view
    view.stop()
    view.wait(30)


def test_the_last_frame_says_how_it_ended(view):
    view.wait(30)
    head, arrays = decode(view.frame)
    assert (head["state"], head["reason"], head["ablations"]) == ("done", "the budget is spent", 128)
    assert arrays["members"][0].tolist() == [0, 1, 2]
    assert arrays["effect"][0] == pytest.approx(2.0, abs=1e-3)


def test_the_header_is_plain_data(view):
    assert view.header["players"][0] == "<b>0"
    assert view.header["log"] == str(view.session.log.path)
    assert "".join(text for text, _ in view.header["pieces"]) == " ".join(view.header["players"])


def test_what_the_page_asks_is_done(view):
    view.wait(30)
    view._handle(view, {"type": "hello"}, [])
    view._handle(view, {"type": "add_budget", "ablations": 64}, [])
    view.wait(30)
    assert view.session.ablations == 192


def test_what_the_page_asks_to_verify_is_in_the_frames(view):
    view.wait(30)
    watched = Watched(view.session)
    view._handle(view, {"type": "verify", "top": 1, "contexts": 4}, [])
    watched.until(lambda snapshot: snapshot.measured and not snapshot.verifying.chosen)
    view.wait(30)  # until what is known has arrived
    head, arrays = decode(view.frame)
    assert head["verifying"] == {"done": 0, "chosen": 0, "ablations": 4 << 3, "error": ""}
    assert VERDICTS[arrays["verdict"][0] - 1] == "confirmed"
    np.testing.assert_allclose(arrays["measured"][0], [2.0, 2.0, 2.0, 4.0], atol=1e-3)


def test_nothing_is_verified_before_anything_is_known(caplog):
    gate = threading.Event()
    view = spex.explain(spex.FunctionGame(lambda x: (gate.wait(30), planted(x))[1], 20), budget=128)
    view._handle(view, {"type": "verify", "top": 1, "contexts": 4}, [])
    gate.set()
    view.wait(30)
    assert "nothing is known yet" in caplog.text
    assert view.session.log.count("verify") == 0


@pytest.mark.parametrize(
    "message",
    [
        "pause",
        {},
        {"type": "explode"},
        {"type": "add_budget"},
        {"type": "add_budget", "ablations": "many"},
        {"type": "verify"},
        {"type": "verify", "top": 0, "contexts": 16},
    ],
)
def test_what_the_page_should_not_ask_is_refused_and_logged(view, message, caplog):
    view._handle(view, message, [])
    assert "a message from the page was" in caplog.text
    view.wait(30)
    assert view.session.state == "done"
    assert view.session.budget == 128


def test_the_widget_has_the_sessions_verbs(view):
    view.pause()
    view.resume()
    view.wait(30)
    assert view.result.ranking(top=1)[0]["members"] == (0, 1, 2)
    assert view.probe([True] * 20).tolist() == [3.0]
    assert view.verify(top=1, contexts=4)[0]["verdict"] == "confirmed"
    assert view.error is None
    with pytest.raises(ValueError, match="output must be one of"):
        view.select("nothing")


def test_no_name_of_the_widgets_is_taken(view):
    assert not {"log", "comm", "keys", "layout", "open", "close"} & set(vars(type(view)))


@pytest.mark.skipif(ipykernel.version_info < (7, 4), reason="the hook came with ipykernel 7.4")
def test_the_private_hook_of_ipykernel_is_still_there():
    # If it goes, see whether clicks are still answered while a cell runs (tests/browser/test_busy_cell.py).
    assert hasattr(Comm, "_reply_subshell_for")


def test_without_the_hook_nothing_is_touched():
    assert answer_beside_cells(object()) is False


FIVE_LINES = """
import spex_widget as spex

model, tokenizer = spex.demo.load()
game = spex.TextGame(model, tokenizer, spex.demo.passage().text, target="POSITIVE")
view = spex.explain(game)
view
"""


def test_a_script_that_ends_while_a_run_goes_on_ends_cleanly():
    done = subprocess.run([sys.executable, "-c", FIVE_LINES], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_view_says_in_words_where_it_stands(view):
    view.wait(30)
    assert repr(view).startswith("SpexWidget(done, 128 of 128 ablations, Result(value: 128 ablations, held-out R²")

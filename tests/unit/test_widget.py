"""The widget's Python side: what it sends, what it takes, and the one private name that it leans on."""

import contextlib
import subprocess
import sys
import threading

import ipykernel
import numpy as np
import pytest
import traitlets
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
    np.testing.assert_allclose(arrays["measured"][0], [2.0, 2.0, 2.0, 4.0, 0.0], atol=1e-3)


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
        {"type": "probe", "ablated": [[20]]},
        {"type": "probe", "ablated": "all"},
        {"type": "evidence", "members": [0, 99], "contexts": 16},
        {"type": "evidence", "members": [0, 1]},
        {"type": "flip"},
        {"type": "flip", "threshold": "low"},
        {"type": "flip", "threshold": 10**400},
        {"type": ["flip"]},
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


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("selected", [0, 20], "whole numbers from 0 to 19"),
        ("what_if", ["not"], "whole numbers from 0 to 19"),
        ("what_if", [True], "whole numbers from 0 to 19"),
        ("output", 1, "output must be one of"),
        ("output", [0, 0], "output must be one of"),
        ("output", {"value": 10**400}, "output must be one of"),
        ("index", "Shapley", "index must be"),
        ("max_order", 0, "at least 1"),
    ],
)
def test_a_trait_refuses_what_it_cannot_mean_and_stays(view, name, value, why):
    before = getattr(view, name)
    with pytest.raises(traitlets.TraitError, match=why):
        setattr(view, name, value)
    assert getattr(view, name) == before


def test_players_in_a_trait_stand_in_order_each_once(view):
    view.what_if = (4, 0, 4)
    assert view.what_if == [0, 4]


def test_taking_players_out_asks_the_model(view):
    watched = Watched(view.session)
    view.what_if = [0, 4]
    watched.until(lambda snapshot: snapshot.asked.probes)
    view.wait(30)
    head, arrays = decode(view.frame)
    coalition = np.unpackbits(arrays["probed"][0], count=20, bitorder="little")
    assert np.flatnonzero(coalition == 0).tolist() == [0, 4]
    assert arrays["probed_values"].tolist() == [0.0]
    assert head["asked"]["ablations"] == view.session.log.count("probe") == 1


def test_the_page_has_the_model_asked_about_several_ablations(view):
    view.wait(30)
    watched = Watched(view.session)
    view._handle(view, {"type": "probe", "ablated": [[], [0], [19, 4]]}, [])
    asked = watched.until(lambda snapshot: len(snapshot.asked.probes) == 3).asked
    assert [probe.value for probe in asked.probes] == [3.0, 1.0, 2.0]


def test_another_index_is_another_frame(view):
    view.wait(30)
    watched = Watched(view.session)
    view.index, view.max_order = "FBII", 2
    watched.until(lambda snapshot: (snapshot.index, snapshot.max_order) == ("FBII", 2))
    view.wait(30)
    head, arrays = decode(view.frame)
    assert (head["index"], head["max_order"], arrays["members"].shape[1]) == ("FBII", 2, 2)


@pytest.fixture
def two():
    values = np.array([[1.0, 0.0], [0.0, -1.0], [0.5, 0.0]])
    game = spex.FunctionGame(lambda x: x @ values, 3, players=["a", "b", "c"], outputs=["up", "down"])
    view = spex.explain(game)
    yield view
    view.wait(30)


@pytest.mark.parametrize(
    ("which", "trait", "label"),
    [
        ("down", 1, "down"),
        (slice(0, 2), [0, 2], "up + down"),
        ({"up": 1, "down": -1}, {"up": 1.0, "down": -1.0}, "up − down"),
        ([0, 2], {"down": 2.0}, "2 down"),
    ],
)
def test_the_output_is_selected_by_the_verb_or_the_trait(two, which, trait, label):
    two.select(which)
    assert two.output == trait
    assert two.session.output.label == label
    two.select(0)
    two.output = trait
    assert two.session.output.label == label


def test_a_trait_set_by_the_page_is_obeyed_and_heard_once(two):
    heard = []
    two.observe(lambda change: heard.append(change["new"]), "output")
    turns = two.session.snapshot().turns
    two.set_state({"output": 1})
    assert heard == [1]
    assert two.session.output.label == "down"
    assert two.session.snapshot().turns == turns + 1


def test_traits_set_from_many_threads_beside_the_publisher_all_arrive(view):
    def choose(k):
        for i in range(50):
            view.set_state({"selected": [k, 10 + i % 10]})

    threads = [threading.Thread(target=choose, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert view.selected[1] == 19
    view.wait(30)
    assert decode(view.frame)[0]["state"] == "done"


def test_views_that_follow_each_other_do_not_wait_for_each_other(view):
    other = spex.explain(spex.FunctionGame(planted, 20), budget=128)
    links = [traitlets.link((view, name), (other, name)) for name in ("selected", "what_if")]
    meet = threading.Barrier(2)

    def choose(on, name):
        for i in range(100):
            meet.wait(30)
            with contextlib.suppress(traitlets.TraitError):  # of a link whose other end was just changed as well
                on.set_state({name: [i % 20]})

    threads = [
        threading.Thread(target=choose, args=args, daemon=True) for args in ((view, "selected"), (other, "what_if"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    for link in links:
        link.unlink()
    other.wait(30)


def test_frames_go_on_while_an_observer_takes_its_time(view):
    view.wait(30)
    asked, gate = threading.Event(), threading.Event()
    view.observe(lambda change: (asked.set(), gate.wait(30)), "selected")
    thread = threading.Thread(target=view.set_state, args=({"selected": [1]},))
    thread.start()
    assert asked.wait(30)
    before = decode(view.frame)[0]["seq"]
    view.show(view.session.snapshot())
    assert decode(view.frame)[0]["seq"] > before
    gate.set()
    thread.join(30)


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

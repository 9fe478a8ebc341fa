"""Results as shapiq's and shap's types. What needs these libraries is skipped where they are not installed."""

import sys

import numpy as np
import pytest

import brute
from spex_widget.algorithms import FIRST, Estimate
from spex_widget.report import Result
from spex_widget.snapshot import Header, Snapshot
from spex_widget.spectrum import INDICES, SparseSpectrum, interactions

WORDS = ("not", "very", "good", "good", "film")
THEIRS = [index for index in INDICES if index != "Fourier"]
TERMS = {(): 0.5, (0,): 0.25, (2,): -0.75, (0, 2): 0.5, (1, 2): -0.125, (0, 1, 2): 0.25, (3,): 0.0625}
ABSENT, PRESENT = np.zeros((1, 5), dtype=bool), np.ones((1, 5), dtype=bool)


def result_of(terms=TERMS, exact=False):
    estimate = Estimate(FIRST, 1, 96, SparseSpectrum.from_sets(5, terms), exact=exact)
    header = Header(WORDS, ("POSITIVE",), (), "TextGame", "tiny", "logit of POSITIVE", "[MASK]")
    return Result(header, Snapshot(1, "done", "", 96, 400, estimate=estimate))


@pytest.fixture
def shapiq():
    library = pytest.importorskip("shapiq")
    pytest.importorskip("matplotlib").use("agg")
    return library


@pytest.fixture
def shap():
    library = pytest.importorskip("shap")
    pytest.importorskip("matplotlib").use("agg")
    return library


# What holds whether they are there or not


@pytest.mark.parametrize(("way", "library"), [("to_shapiq", "shapiq"), ("to_shap", "shap")])
def test_a_library_that_is_not_installed_is_named(way, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{way}\(\) makes .* not installed: pip install {library}"):
        getattr(result_of(), way)()


def test_a_library_that_is_there_but_lacks_another_says_so_itself(monkeypatch, tmp_path):
    (tmp_path / "shapiq.py").write_text("import no_such_library", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shapiq", raising=False)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        result_of().to_shapiq()


def test_an_index_that_they_do_not_have_is_refused():
    with pytest.raises(ValueError, match="shapiq has no Fourier index"):
        result_of().to_shapiq("fourier")
    with pytest.raises(ValueError, match="index must be SV or BV, got 'FBII'"):
        result_of().to_shap("FBII")
    for way in (result_of().to_shapiq, result_of().to_shap):
        with pytest.raises(ValueError, match="index must be one of"):
            way("shapley-ish")


class Recorder:
    """Stands in for a library's type and keeps what it is given."""

    def __init__(self, *args, **options):
        self.args, self.options = args, options


@pytest.fixture
def stand_ins(monkeypatch):
    for library, name in (("shapiq", "InteractionValues"), ("shap", "Explanation")):
        monkeypatch.setitem(sys.modules, library, type("Library", (), {name: Recorder}))


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("max_order", [None, 1, 2, 9])
@pytest.mark.parametrize("index", THEIRS)
def test_what_shapiq_is_given(index, max_order):
    result = result_of()
    given = result.to_shapiq(index, max_order)
    table = interactions(result.spectrum, index, max_order)
    held = brute.as_dict(table)
    assert given.args[0] == {(): 0.0} | {(i,): 0.0 for members in held for i in members} | held
    players = index in ("SV", "BV")
    banzhaf = index in ("BII", "FBII", "BV")
    assert given.options == {
        "index": index,
        "max_order": 1 if players else min(max_order or 3, 3),
        "n_players": 5,
        "min_order": 0,
        "baseline_value": table[()] if banzhaf else pytest.approx(result.predict(ABSENT)[0]),
        "estimated": True,
        "estimation_budget": 96,
    }


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("index", ["SV", "BV"])
def test_what_shap_is_given(index):
    result = result_of()
    given = result.to_shap(index)
    values, options = given.args[0], given.options
    by_player = dict(enumerate(values))
    dense = result.spectrum(brute.coalitions(5))
    truth = brute.shapley(dense) if index == "SV" else brute.banzhaf(dense)
    assert by_player == pytest.approx({i: c for (i,), c in truth.items()})
    assert list(options["data"]) == options["feature_names"] == list(WORDS)
    if index == "SV":
        assert options["base_values"] == pytest.approx(result.predict(ABSENT)[0])
        assert options["base_values"] + values.sum() == pytest.approx(result.predict(PRESENT)[0])
    else:
        assert options["base_values"] + values.sum() == pytest.approx(result.spectrum.truncate(1)(PRESENT)[0])


@pytest.mark.usefixtures("stand_ins")
def test_little_goes_out_as_well():
    constant = result_of({(): 2.0}, exact=True)
    assert constant.to_shapiq().args[0] == {(): 2.0}
    assert (constant.to_shapiq().options["max_order"], constant.to_shapiq().options["estimated"]) == (1, False)
    assert constant.to_shap().args[0].tolist() == [0.0] * 5
    assert result_of({}).to_shapiq().args[0] == {(): 0.0}


# What they make of it


@pytest.mark.parametrize("max_order", [None, 1, 2])
@pytest.mark.parametrize("index", THEIRS)
def test_shapiq_holds_the_interactions(shapiq, index, max_order):
    result = result_of()
    given = result.to_shapiq(index, max_order)
    assert isinstance(given, shapiq.InteractionValues)
    for members, effect in brute.as_dict(interactions(result.spectrum, index, max_order)).items():
        # shapiq makes SV of SII at order 1, and so the value of the empty set v(∅).
        if members or index != "SII":
            assert given[members] == pytest.approx(effect), members
    if index in ("SV", "k-SII", "STII", "FSII"):
        assert given.baseline_value == pytest.approx(result.predict(ABSENT)[0])
        assert given.values.sum() == pytest.approx(result.predict(PRESENT)[0])


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("max_order", [None, 2])
@pytest.mark.parametrize("index", ["FBII", "BII", "k-SII", "Moebius"])
def test_shapiq_draws_it(shapiq, index, max_order, tmp_path):
    import matplotlib.pyplot as plt

    given, names = result_of().to_shapiq(index, max_order), list(WORDS)
    drawn = [
        given.plot_network(feature_names=names, show=False)[0],
        given.plot_upset(feature_names=names, show=False),
        given.plot_force(feature_names=names, show=False),
        given.plot_si_graph(feature_names=dict(enumerate(names)), show=False)[0],
        given.plot_stacked_bar(feature_names=names, show=False)[0],
    ]
    for number, figure in enumerate(drawn):
        figure.savefig(tmp_path / f"{number}.png")
    plt.close("all")


@pytest.mark.filterwarnings("ignore", "error:invalid value")
@pytest.mark.parametrize("index", ["FBII", "BII", "k-SII", "Moebius"])
def test_shapiq_draws_players_that_have_no_value_of_their_own(shapiq, index):
    import matplotlib.pyplot as plt

    given = result_of({(0, 1, 2): 1.0, (3, 4): -0.5}).to_shapiq(index)
    assert given[(0,)] == (0 if index == "BII" else pytest.approx(given[(1,)]))
    given.plot_si_graph(show=False)
    given.plot_network(show=False)
    plt.close("all")


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("index", ["SV", "BV"])
def test_shap_draws_it(shap, index):
    import matplotlib.pyplot as plt

    given = result_of().to_shap(index)
    assert isinstance(given, shap.Explanation)
    assert given.shape == (5,)
    for plot in (shap.plots.waterfall, shap.plots.bar):
        plot(given, show=False)
        labels = [tick.get_text() for tick in plt.gca().get_yticklabels()]
        assert any("not" in label for label in labels)
        plt.close("all")
    shap.plots.force(given, matplotlib=True, show=False)
    plt.close("all")
    html = shap.plots.text(given, display=False)
    assert all(word in html for word in WORDS)

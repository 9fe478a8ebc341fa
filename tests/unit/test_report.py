"""Results as tables, charts and pages."""

import json
import re
from dataclasses import replace

import altair
import numpy as np
import pandas as pd
import polars as pl
import pytest

from runs import N, finished
from spex_widget.algorithms import FIRST, R2, Estimate, Mark
from spex_widget.games import FunctionGame
from spex_widget.report import Ranking, Result
from spex_widget.report.charts import LOWERS, RAISES, VEGA_LITE
from spex_widget.report.ranking import COLUMNS
from spex_widget.report.static import static_html, static_text
from spex_widget.snapshot import Asked, Header, Snapshot, Verifying, decode, encode
from spex_widget.spectrum import INDICES, SparseSpectrum, check_index, interactions, pad_sets

WORDS = ("not", "very", "good", "<b>bad</b>")
NASTY = "<script>alert('&\"')</script>"
HISTORY = (Mark(64, R2(0.5, 0.25, 0.75), 0.375), Mark(96, R2(0.875, 0.75, 0.95), -0.5))
TERMS = {(): 0.5, (0,): 0.25, (2,): -0.75, (0, 2): 0.5, (1, 2): -0.125, (0, 1, 2): 0.25, (3,): 0.0625}


def header_of(words=WORDS, value="logit of POSITIVE", **more):
    pieces = tuple((word, i) for i, word in enumerate(words))
    said = {"lens": "TextGame", "model": "tiny", "ablation": "[MASK]", "outputs": ("POSITIVE",), **more}
    return Header(players=words, pieces=(*pieces, (" fixed", -1)), value=value, **said)


def snapshot_of(terms=TERMS, *, exact=False, history=HISTORY, estimate=True, **more):
    spectrum = SparseSpectrum.from_sets(4, terms)
    known = Estimate(FIRST, len(history), 96, spectrum, exact=exact, history=() if exact else history)
    return Snapshot(
        1, more.pop("state", "done"), more.pop("reason", ""), 96, 400, estimate=known if estimate else None, **more
    )


def result_of(terms=TERMS, **more):
    return Result(header_of(), snapshot_of(terms, **more))


# Rankings


def test_a_ranking_has_rows_by_size_with_all_that_a_reader_needs():
    ranking = result_of().ranking()
    sizes = [abs(row["effect"]) for row in ranking]
    assert sizes == sorted(sizes, reverse=True)
    assert all(tuple(row) == COLUMNS for row in ranking)
    top = ranking[0]
    assert (top["members"], top["labels"], top["order"]) == ((0, 2), ("not", "good"), 2)
    assert top["effect"] == interactions(result_of().spectrum, "FBII")[0, 2] == 3.0
    said = (top["kind"], top["low"], top["high"], top["settled"], top["verified"])
    assert said == ("reversal", None, None, None, None)


def test_max_order_defines_order_filters_and_top_cuts():
    result = result_of()
    whole = result.ranking("FBII")
    assert [row for row in whole if row["order"] == 2] == list(result.ranking("FBII", order=2))
    assert list(result.ranking("FBII", top=2)) == list(whole[:2])
    assert [row["members"] for row in result.ranking(order=1, top=1)] == [
        next(row["members"] for row in whole if row["order"] == 1)
    ]
    second = result.ranking("FBII", max_order=2)
    assert [row for row in second if row["order"] == 2] == list(result.ranking("FBII", max_order=2, order=2))
    assert max(row["order"] for row in second) == 2
    pair = {row["members"]: row["effect"] for row in second}[0, 2]
    assert pair == interactions(result.spectrum, "FBII", 2)[0, 2] != whole[0]["effect"]
    assert list(result.ranking("BII", order=7)) == []


@pytest.mark.parametrize("index", [*INDICES, "fbii", "möbius"])
def test_every_index_has_a_ranking(index):
    ranking = result_of().ranking(index, max_order=3)
    assert len(ranking) > 0
    # The values of single players are of order 1, whatever max_order says.
    order = "" if index in ("BV", "SV") else " of order ≤ 3"
    assert ranking.title == f"{check_index(index)}{order}, logit of POSITIVE"
    assert max(row["order"] for row in ranking) == (1 if index in ("BV", "SV") else 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_order": 2, "order": 3}, "FBII of max_order=2 has nothing of order=3"),
        ({"index": "kSII", "max_order": 1, "order": 2}, "k-SII of max_order=1 has nothing of order=2"),
        ({"index": "SV", "order": 2}, "SV speaks of single players, it has nothing of order=2"),
        ({"index": "BV", "order": 2, "max_order": 3}, "BV speaks of single players, it has nothing of order=2"),
    ],
)
def test_an_order_that_the_index_cannot_have_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        result_of().ranking(**asked)
    with pytest.raises(ValueError, match=said):
        result_of().chart.ranking(**asked)


@pytest.mark.parametrize("wrong", [{"max_order": 0}, {"order": 0}, {"top": 0}, {"top": -2}])
def test_numbers_below_one_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be at least 1"):
        result_of().ranking(**wrong)


def test_an_unknown_index_is_refused():
    with pytest.raises(ValueError, match="index must be one of"):
        result_of().ranking("shapley-ish")


def test_a_ranking_is_a_sequence():
    ranking = result_of().ranking()
    assert isinstance(ranking[1:3], Ranking)
    assert (len(ranking[1:3]), ranking[1:3].title) == (2, ranking.title)
    assert ranking[-1] == list(ranking)[-1]
    assert ranking[0] in ranking
    ranking.to_dicts()[0]["effect"] = 99
    assert ranking[0]["effect"] == 3.0


def test_what_is_exact_is_settled_and_has_no_interval():
    said = {(row["settled"], row["low"], row["high"]) for row in result_of(exact=True).ranking()}
    assert said == {(True, None, None)}


@pytest.fixture(scope="module")
def run():
    return finished(budget=800).result


@pytest.mark.parametrize(("index", "max_order"), [("BII", None), ("Fourier", 2)])
def test_each_row_has_its_interval_and_says_whether_it_is_settled(run, index, max_order):
    ranking = run.ranking(index, max_order)
    sets = pad_sets([row["members"] for row in ranking], N)
    low, high = run.estimate.intervals(sets, index, max_order)
    assert [(row["low"], row["high"]) for row in ranking] == list(zip(low.tolist(), high.tolist(), strict=True))
    players, sets = (run.estimate.settled(index=index, max_order=max_order, least_order=k) for k in (1, 2))
    assert (0, 1) in sets
    settled = {s for s in players if len(s) == 1} | set(sets)
    assert {row["members"] for row in ranking if row["settled"]} == settled


def test_an_index_whose_intervals_do_not_cover_has_none(run):
    assert {(row["low"], row["high"], row["settled"]) for row in run.ranking("FBII", 2)} == {(None, None, None)}
    assert run.estimate.settled(index="FBII", max_order=2) == ()


def test_nothing_under_the_noise_floor_is_settled(run):
    second = run.ranking("BII")[1]
    floor = (abs(second["effect"]) + 0.01) / 2 ** ((second["order"] + 1) / 2)
    noisy = Result(run.header, replace(run.snapshot, floor=floor))
    assert [row["settled"] for row in run.ranking("BII", top=3)] == [True] * 3
    assert [row["settled"] for row in noisy.ranking("BII", top=3)] == [True, False, False]


def heads(html):
    return re.findall(r"<th[^>]*>([^<]+)</th>", html)


def test_a_column_that_no_row_fills_is_not_shown_and_a_note_says_which_indices_have_intervals(run):
    note = "FBII has no interval that can be trusted; Fourier, BV and BII can have one"
    whole = ["members", "order", "effect", "95 % interval", "kind", "settled"]
    bare = run.ranking("FBII", 2)
    assert heads(bare._repr_html_()) == ["members", "order", "effect", "kind"]
    assert f"<br>{note}</caption>" in bare._repr_html_()
    assert repr(bare).splitlines()[-1] == repr(bare[:3]).splitlines()[-1] == note
    # Where none of ten is settled that is known, so it is said.
    for ranking in (run.ranking("BII"), run.ranking("BII")[-10:]):
        assert heads(ranking._repr_html_()) == whole
        assert "trusted" not in ranking._repr_html_() + repr(ranking)
    # Before the second round there are none yet, and of what is exact there is nothing to doubt.
    assert heads(result_of().ranking("BII")._repr_html_()) == ["members", "order", "effect", "kind", "settled"]
    exact = result_of(exact=True).ranking("FBII")
    assert heads(exact._repr_html_()) == ["members", "order", "effect", "kind", "settled"]
    assert exact.note == ""
    assert bare.to_frame().columns.tolist() == list(COLUMNS)


def test_the_static_page_has_intervals_once_they_are_known(run):
    assert "95 % interval" in static_html(run.header, run.snapshot, "x")
    assert "95 % interval" not in static_html(header_of(), snapshot_of(), "x")


def test_what_is_settled_is_found_once_an_index(run, monkeypatch):
    calls = []
    monkeypatch.setattr(Estimate, "settled", lambda self, **about: calls.append(about) or ())
    estimate = replace(run.estimate)
    for seq in (1, 2):
        Result(run.header, replace(run.snapshot, seq=seq, estimate=estimate)).ranking("BII", 2)
    assert sorted(about["least_order"] for about in calls) == [1, 2]


def test_a_ranking_as_text_shows_intervals_and_marks_what_is_settled(run):
    ranking = run.ranking("BII", top=31)
    _, *lines, note = repr(ranking).splitlines()
    assert lines[0].split()[:7] == ["1", "✓", "+3.0000", "+3.000", "…", "+3.000", "0"]
    assert "✓" not in lines[-1]
    assert len({line.rindex("  ") for line in lines}) == 1
    assert note == "✓ settled for this surrogate and this ablation"
    html = ranking._repr_html_()
    assert html.count("✓") == sum(row["settled"] for row in ranking)
    assert "+3.000 … +3.000" in html


@pytest.mark.parametrize("terms", [TERMS, {(): 1.0}], ids=["full", "empty"])
@pytest.mark.parametrize(("backend", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_a_ranking_is_made_into_a_data_frame(backend, kind, terms):
    ranking = result_of(terms).ranking()
    frame = ranking.to_frame(backend)
    assert type(frame) is kind
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(ranking) == (0 if terms != TERMS else 8)
    for name in ("effect", "order", "kind"):
        assert list(frame[name]) == [row[name] for row in ranking]
    assert [tuple(labels) for labels in frame["labels"]] == [row["labels"] for row in ranking]


def test_a_data_frame_of_a_library_that_is_not_there():
    with pytest.raises((ModuleNotFoundError, ValueError), match="no_such_library"):
        result_of().ranking().to_frame("no_such_library")


def test_a_ranking_as_text():
    lines = repr(result_of().ranking(top=2)).splitlines()
    assert lines[0] == "FBII, logit of POSITIVE"
    assert lines[1].split() == ["1", "+3.0000", "not", "·", "good"]
    assert repr(result_of({}).ranking()) == "FBII, logit of POSITIVE\nnone"
    assert ">none<" in result_of({}).ranking()._repr_html_()


def test_a_long_ranking_is_printed_in_part_and_is_whole():
    spectrum = SparseSpectrum.from_values(np.random.default_rng(0).normal(size=256))
    estimate = Estimate(FIRST, 1, 256, spectrum, exact=True)
    ranking = Result(header_of(tuple("abcdefgh")), Snapshot(1, "done", "", 256, 256, estimate=estimate)).ranking()
    assert len(ranking) == len(ranking.to_frame()) == 255
    lines = repr(ranking).splitlines()
    assert [line.split()[0] for line in lines[50:52]] == ["50", "…"]
    assert lines[51] == "… and 205 more"
    html = ranking._repr_html_()
    assert html.count("<tr>") == 1 + 50 + 1
    assert ">… and 205 more<" in html
    assert "more" not in repr(ranking[:50]) + ranking[:50]._repr_html_()


def test_labels_that_several_players_have_are_numbered_wherever_they_stand():
    result = Result(header_of(("love", "me", " love", "so")), snapshot_of())
    assert result.ranking()[0]["labels"] == ("love (1)", " love (2)")
    assert result.header.players == ("love", "me", " love", "so")
    for shown in (
        repr(result.ranking()),
        result.ranking()._repr_html_(),
        static_html(result.header, snapshot_of(), "u"),
    ):
        assert "love (1) · love (2)" in shown
        assert "me (" not in shown
    assert "love (1) ·  love (2)" in str(result.chart.ranking().to_dict())


def test_a_label_of_several_lines_is_one_line_of_a_table():
    words = ("a\n\nparagraph\t of", *WORDS[1:])
    ranking = Result(header_of(words), snapshot_of()).ranking()
    assert repr(ranking).splitlines()[1].endswith("a paragraph of · good")
    assert len(repr(ranking).splitlines()) == len(repr(result_of().ranking()).splitlines())
    assert "<td style='text-align:left'>a paragraph of · good</td>" in ranking._repr_html_()
    assert ranking[0]["labels"] == (words[0], "good")


@pytest.mark.parametrize(
    ("unit", "effects", "ends"),
    [
        (1.0, ["+3.0000", "-0.5000"], "+3.000 … +3.000"),
        (1e-2, ["+0.0300", "-0.0050"], "+0.030 … +0.030"),
        (1e-6, ["+3.000e-06", "-5.000e-07"], "+3.00e-06 … +3.00e-06"),
        (1e-200, ["+3.000e-200", "-5.000e-201"], "+3.00e-200 … +3.00e-200"),
        (100.0, ["+300.00", "-50.00"], "+300.0 … +300.0"),
        (1e5, ["+300000", "-50000"], "+300000 … +300000"),
        (1e140, ["+3.000e+140", "-5.000e+139"], "+3.00e+140 … +3.00e+140"),
    ],
)
def test_numbers_are_written_to_the_size_of_the_largest(unit, effects, ends):
    about = {"order": 2, "kind": "reinforcing", "settled": None, "verified": None}
    rows = [
        {"labels": ("a", "b"), "effect": unit * effect, "low": unit * effect, "high": unit * effect, **about}
        for effect in (3.0, -0.5)
    ]
    ranking = Ranking(rows, "BII")
    assert [line.split()[1] for line in repr(ranking).splitlines()[1:]] == effects
    assert ends in repr(ranking)
    html = ranking._repr_html_()
    assert f">{ends}</td>" in html
    assert all(f"<td>{effect}</td>" in html for effect in effects)
    # What is written is the number, to a thousandth of the largest.
    for said, row in zip(effects, rows, strict=True):
        assert float(said) == pytest.approx(row["effect"], abs=3e-3 * unit)


def test_the_static_page_and_the_chart_write_numbers_to_their_size():
    small = {members: 1e-6 * term for members, term in TERMS.items()}
    assert 'title="-5.00e-07"' in static_html(header_of(), snapshot_of(small), "u")
    assert 'title="-0.500"' in static_html(header_of(), snapshot_of(), "u")
    for terms, look in ((small, "+.3e"), (TERMS, "+.4f")):
        tips = result_of(terms).chart.ranking().to_dict()["encoding"]["tooltip"]
        assert [tip["format"] for tip in tips if "format" in tip] == [look]
    assert result_of(small).chart.energy().to_dict()["data"] == result_of().chart.energy().to_dict()["data"]
    tiny = result_of({(0,): 1e-200, (0, 1): 1e-200}).chart.energy().to_dict()["data"]["values"]
    assert [row["share"] for row in tiny] == [0.5, 0.5]


@pytest.mark.parametrize("backend", [None, 3])
def test_what_names_no_data_frame_library_is_named(backend):
    with pytest.raises(TypeError, match=f"backend must name a data-frame library, as in 'pandas', got {backend}"):
        result_of().ranking().to_frame(backend)


def test_html_of_a_ranking_holds_labels_as_text():
    result = Result(header_of((*WORDS[:2], NASTY, WORDS[3]), value=NASTY), snapshot_of())
    html = result.ranking()._repr_html_()
    assert tags(html) == {"table", "caption", "br", "thead", "tbody", "tr", "th", "td"}
    assert html.count("&lt;script&gt;") == 1 + sum(2 in row["members"] for row in result.ranking())
    assert html.count("<tr>") == 1 + len(result.ranking())


def tags(html):
    return set(re.findall(r"<(\w+)", html))


# Results


def test_a_result_speaks_of_one_surrogate():
    result = result_of()
    x = np.random.default_rng(0).random((5, 4)) < 0.5
    np.testing.assert_array_equal(result.predict(x), result.spectrum(x))
    assert (result.r2, result.ablations, result.exact) == (0.875, 96, False)
    assert repr(result) == "Result(logit of POSITIVE: 96 ablations, held-out R² 0.875, 7 coefficients)"


def test_a_result_without_faithfulness_says_so():
    assert (result_of(history=()).r2, result_of(exact=True).r2) == (None, None)
    assert "R² not known" in repr(result_of(history=()))
    assert "exact" in repr(result_of(exact=True))


def test_there_is_no_result_before_the_first_round():
    with pytest.raises(RuntimeError, match=r"after 96 ablations \(paused\)"):
        Result(header_of(), snapshot_of(estimate=False, state="paused"))


# Charts


def chart_of(result, name, **options):
    """A chart as Vega-Lite: checked against its schema, and able to travel as strict JSON."""
    chart = getattr(result.chart, name)(**options)
    assert isinstance(chart, (altair.Chart, altair.LayerChart))
    said = chart.to_dict()
    json.dumps(said, allow_nan=False)
    # What the host draws itself goes with it, also once it was changed.
    assert chart._repr_mimebundle_()[VEGA_LITE] == said
    assert chart.properties(width=300)._repr_mimebundle_()[VEGA_LITE]["width"] == 300
    with altair.renderers.enable("json"):
        assert VEGA_LITE not in chart._repr_mimebundle_()[0]
    return said


def test_the_ranking_chart_has_a_bar_an_interaction():
    said = chart_of(result_of(), "ranking", index="FBII", order=2, top=5)
    rows = said["data"]["values"]
    pairs = result_of().ranking(order=2)
    assert [(row["members"], row["effect"]) for row in rows] == [(" · ".join(r["labels"]), r["effect"]) for r in pairs]
    assert len(rows) == 3
    assert len({row["name"] for row in rows}) == len(rows)
    assert said["title"] == "FBII, logit of POSITIVE"
    assert said["mark"]["type"] == "bar"


def test_labels_that_read_alike_have_bars_of_their_own():
    result = Result(header_of(("good",) * 4), snapshot_of())
    names = [row["name"] for row in chart_of(result, "ranking")["data"]["values"]]
    assert len(set(names)) == len(names) == 8


def test_the_convergence_chart_has_both_lines_and_the_interval():
    said = chart_of(result_of(), "convergence")
    rows = said["data"]["values"]
    assert {(row["ablations"], row["R²"]) for row in rows} == {(64, 0.5), (64, 0.375), (96, 0.875), (96, -0.5)}
    assert [(row["low"], row["high"]) for row in rows if "low" in row] == [(0.25, 0.75), (0.75, 0.95)]
    band, line = said["layer"]
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("low", "high")
    assert line["encoding"]["y"]["field"] == "R²"
    # A first surrogate's R² may be far below zero: it must not flatten all that comes after.
    assert band["encoding"]["y"]["scale"] == line["encoding"]["y"]["scale"] == {"domain": [0, 1], "clamp": True}


def test_the_energy_chart_shows_shares_of_the_variance():
    rows = chart_of(result_of(), "energy")["data"]["values"]
    assert [row["order"] for row in rows] == [1, 2, 3]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    energy = result_of().spectrum.energy_by_order()[1:]
    assert [row["share"] for row in rows] == pytest.approx((energy / energy.sum()).tolist())


@pytest.mark.parametrize("chart", ["ranking", "convergence", "energy"])
@pytest.mark.parametrize(
    "result", [result_of({}), result_of({(): 1.0}, history=()), result_of(exact=True)], ids=["nothing", "mean", "exact"]
)
def test_charts_of_little_are_charts_still(chart, result):
    chart_of(result, chart)


# What outlives the kernel


def test_static_html_shows_the_text_and_the_interactions():
    html = static_html(header_of(), snapshot_of(), "abc")
    assert html.startswith('<div class="spex-static-abc">')
    assert html.endswith("</div>")
    assert "96 of 400 ablations · held-out R² 0.88 (0.75 to 0.95)" in html
    assert "<b>logit of POSITIVE</b> · tiny · ablated: [MASK]" in html
    assert " fixed" in html
    assert "not · good" in html
    assert "not · very · good" in html
    assert "<td>1</td>" in html
    for single in ("<td style='text-align:left'>not</td>", "<td style='text-align:left'>good</td>"):
        assert single not in html
    # The bar under a word is as wide as its effect is large, and dashed where it lowers.
    assert re.search(rf'solid {RAISES}" title="\+1\.500">good<', html)
    assert re.search(rf'dashed {LOWERS}" title="-0\.500">not<', html)


def test_static_html_holds_every_string_as_text():
    words = tuple(f"{NASTY}{i}" for i in range(4))
    more = dict.fromkeys(("value", "lens", "model", "ablation", "log"), NASTY)
    header = header_of(words, outputs=(NASTY,), **more)
    for snapshot in (snapshot_of(reason=NASTY, state="failed"), snapshot_of(estimate=False, reason=NASTY)):
        html = static_html(header, snapshot, '"><script>')
        assert "<script" not in html
        assert "alert('" not in html
        assert tags(html) <= {"div", "p", "b", "br", "span", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert html.count("&lt;script&gt;") >= 4


def test_static_text_says_the_same_in_plain_words():
    text = static_text(header_of(), snapshot_of(state="failed", reason="ValueError: no"))
    assert text.splitlines()[:2] == [
        "tiny: logit of POSITIVE",
        "failed (ValueError: no) · 96 of 400 ablations · held-out R² 0.88 (0.75 to 0.95)",
    ]
    assert "not · good" in text


def test_what_was_measured_and_asked_beside_the_run_is_counted():
    snapshot = replace(snapshot_of(), verifying=Verifying(ablations=128), asked=Asked(ablations=7))
    assert " · 128 more to measure · 7 more asked by you · " in static_text(header_of(), snapshot)
    assert "more" not in static_text(header_of(), snapshot_of()).splitlines()[1]


@pytest.mark.parametrize("show", [static_text, lambda *args: static_html(*args, "x")])
def test_before_the_first_round_and_at_the_end(show):
    assert "96 of 400" in show(header_of(), snapshot_of(estimate=False))
    assert "exact: every coalition was evaluated" in show(header_of(), snapshot_of(exact=True))
    assert "R²" not in show(header_of(), snapshot_of(history=()))


def test_the_static_page_shows_the_ten_largest_of_the_index_that_is_shown():
    rng = np.random.default_rng(0)
    spectrum = SparseSpectrum.from_values(rng.normal(size=64))
    words = tuple("abcdef")
    snapshot = Snapshot(
        1, "done", "", 64, 64, estimate=Estimate(FIRST, 1, 64, spectrum, exact=True), index="SII", max_order=3
    )
    ranking = Result(header_of(words), snapshot).ranking("SII", 3)
    largest = [row for row in ranking if row["order"] > 1][:10]
    *lines, note, remark = static_text(header_of(words), snapshot).splitlines()[2:]
    assert note == "✓ settled for this surrogate and this ablation"
    assert remark.startswith("Not of low order")
    assert lines[0] == "SII of order ≤ 3, logit of POSITIVE"
    assert [line.split("  ")[-1] for line in lines[1:]] == [" · ".join(row["labels"]) for row in largest]


def test_a_data_frame_library_that_is_not_installed_is_named():
    with pytest.raises(ModuleNotFoundError, match="nolibrary is not installed; name a data-frame library that is"):
        Ranking([], "").to_frame("nolibrary")


def test_no_interval_is_shown_while_it_is_not_sure_that_anything_is_explained():
    noise = np.random.default_rng(0)
    session = finished(FunctionGame(lambda x: noise.random(len(x)), 20), budget=300)
    result = session.result
    assert result.estimate.r2.low <= 0
    ranking = result.ranking("BII", top=10)
    assert {(row["low"], row["high"]) for row in ranking} == {(None, None)}
    assert ranking.note.startswith("no intervals while it is not sure")
    assert not {"low", "high"} & set(decode(encode(session.snapshot()))[1])

"""Diagnostics: counts by hand and by brute force, and a sentence for each way in which a surrogate may fall short."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brute
from spex_widget.algorithms import FIRST, R2, Estimate, Mark
from spex_widget.report import Result
from spex_widget.report.static import static_html, static_text
from spex_widget.snapshot import Diagnostics, Header, Snapshot, decode, diagnostics, encode
from spex_widget.spectrum import SparseSpectrum

GOOD = {(): 3.0, (0,): 4.0, (1,): 2.0, (2,): 1.0, (0, 1): 1.0, (0, 2): 0.5}


HIGH = {(0,): 1.0, (1, 2, 3, 4): 0.4}  # 14 % of the energy is of order 4, and no subset of it is there
HEADER = Header(tuple("abcdefgh"), ("y",), (), "FunctionGame", "f", "value", "zero")


def known(terms, r2=0.9, linear=0.5, *, ablations=1000, exact=False, n=8, notes=()):
    spectrum = terms if isinstance(terms, SparseSpectrum) else SparseSpectrum.from_sets(n, terms)
    history = () if exact or r2 is None else (Mark(ablations, R2(r2, r2 - 0.1, r2 + 0.05), linear),)
    return Estimate(FIRST, 1, ablations, spectrum, exact=exact, history=history, notes=notes)


def look(*args, **kwargs):
    return Diagnostics.of(known(*args, **kwargs))


def test_what_is_good_is_said_to_be():
    found = look(GOOD)
    # 16 + 4 + 1 + 1 + .25 = 22.25, of which 20.025 are 90 %.
    assert (found.coefficients, found.needed, found.hierarchy) == (5, 3, 1.0)
    assert found.energy == pytest.approx((21 / 22.25, 1.25 / 22.25))
    assert found.sentences == (
        "Faithful: held-out R² is 0.90 (0.80 to 0.95), 0.50 without interactions.",
        "Sparse: 3 of 5 coefficients hold 90 % of the energy.",
        "Of low order: 100 % of the energy is in sets of at most 3.",
        "Hierarchical: 100 % of the interactions, by energy, have all their subsets.",
    )


def test_what_is_not_faithful():
    low = look(GOOD, 0.79).sentences[0]
    assert low.startswith("Not faithful: held-out R² is 0.79 (0.69 to 0.84)")
    assert "add_budget" in low
    assert "larger units" in low
    assert look(GOOD, 0.8).sentences[0].startswith("Faithful")


def test_interactions_that_do_not_matter():
    assert "a first-order surrogate's is 0.90, so interactions matter little" in look(GOOD, 0.905, 0.9).sentences[0]
    assert "without interactions" in look(GOOD, 0.915, 0.9).sentences[0]


def test_faith_that_is_not_known_or_not_needed():
    assert look(GOOD, None).sentences[0].startswith("Held-out R² is not known")
    assert look(GOOD, exact=True).sentences[0].startswith("Exact")


@pytest.mark.parametrize(("sets", "sparse"), [(223, False), (222, True)])
def test_what_is_not_sparse(sets, sparse):
    # All alike: 90 % of 223 are 200.7, of 222 are 199.8.
    found = look(dict.fromkeys([(i,) for i in range(sets)], 1.0), n=300)
    assert (found.coefficients, found.needed) == (sets, 201 if not sparse else 200)
    assert found.sentences[1].startswith("Sparse" if sparse else "Not sparse")
    assert ("max_order=2" in found.sentences[1]) is not sparse


def test_too_few_ablations_for_what_is_there():
    terms = dict.fromkeys([(i,) for i in range(100)], 1.0)  # 90 are needed
    assert look(terms, ablations=360, n=100).sentences[1] == "Sparse: 90 of 100 coefficients hold 90 % of the energy."
    few = look(terms, ablations=259, n=100).sentences[1]
    assert few.endswith("and 259 ablations hardly tell them apart: add_budget(200).")
    assert look(terms, ablations=259, n=100, exact=True).sentences[1].startswith("Sparse: ")


def test_what_is_not_of_low_order():
    low, high = {(0,): 1.0, (1, 2, 3, 4): 0.33}, {(0,): 1.0, (1, 2, 3, 4): 0.34}  # 9.8 % and 10.4 % of the energy
    assert look(low).sentences[2] == "Of low order: 90 % of the energy is in sets of at most 3."
    said = look(high).sentences[2]
    assert said.startswith("Not of low order: 10 % of the energy is in sets of more than 3")
    assert "FBII with max_order=3" in said


def test_what_is_not_hierarchical():
    found = look({(0,): 1.0, (1,): 1.0, (0, 1): 2.0, (2, 3): 4.0}, 0.5)
    assert found.hierarchy == pytest.approx(4 / 20)
    assert found.sentences[3].startswith("Not hierarchical: 20 % of the interactions")
    assert "add_budget" in found.sentences[3]
    assert "probe()" in found.sentences[3]
    assert "small ones like these may be missing" in look({(2, 3): 4.0}, 0.8).sentences[3]
    assert look({(2, 3): 4.0}, exact=True).sentences[3].endswith("but none can be missing here.")
    complete = look({(2, 3): 4.0}, 0.999)
    assert complete.sentences[3].endswith("but at this R² hardly one can be missing.")
    assert complete.remarks == ()


def test_the_screen_is_told_what_does_not_hold_where_that_can_be_said():
    assert look(GOOD).remarks == ()
    found = look(HIGH)
    assert found.remarks == found.sentences[2:4]
    assert [remark.split(":")[0] for remark in found.remarks] == ["Not of low order", "Not hierarchical"]
    assert look(HIGH, 0.79).remarks == look(HIGH, None).remarks == ()
    assert look(HIGH, exact=True).remarks == look(HIGH, exact=True).sentences[2:3]
    many = look(dict.fromkeys([(i,) for i in range(223)], 1.0), n=300)
    assert many.remarks == many.sentences[1:2]
    assert look({}, exact=True).remarks == ()


@pytest.mark.parametrize("r2", [0.9, 0.2, None])
def test_what_the_algorithm_notes_is_always_said_last(r2):
    found = look(HIGH, r2, notes=("Only the first 9 ablations count.",))
    assert found.sentences[-1] == found.remarks[-1] == "Only the first 9 ablations count."


def test_the_screen_the_wire_and_what_outlives_the_kernel_say_the_same():
    snapshot = Snapshot(1, "done", "", 8, 8, estimate=known(HIGH, notes=("<b>so</b>",)))
    remarks = look(HIGH, notes=("<b>so</b>",)).remarks
    assert snapshot.remarks == remarks
    assert decode(encode(snapshot))[0]["remarks"] == list(remarks)
    assert static_text(HEADER, snapshot).splitlines()[-3:] == list(remarks)
    assert static_html(HEADER, snapshot, "u").endswith(f"<p>{remarks[1]}</p><p>&lt;b&gt;so&lt;/b&gt;</p></div>")
    nothing = Snapshot(1, "running", "", 0, 8)
    assert (nothing.remarks, decode(encode(nothing))[0]["remarks"]) == ((), [])


@pytest.mark.parametrize("unit", [1e-300, 1e-200])
def test_hierarchy_does_not_depend_on_the_units(unit):
    assert look({(0, 1): unit}).hierarchy == 0
    assert look({(0,): unit, (1,): unit, (0, 1): unit}).hierarchy == 1


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e-6, 1e140])
def test_no_sentence_depends_on_the_units(unit):
    found, usual = look({s: c * unit for s, c in HIGH.items()}), look(HIGH)
    assert found.sentences == usual.sentences
    assert (found.coefficients, found.needed) == (usual.coefficients, usual.needed)
    assert found.energy == pytest.approx(usual.energy)


def test_what_is_rounding_is_no_interaction():
    found = look({(0,): 1.0, (3,): 2.0, (0, 3): 1e-16, (1, 2, 3): -1e-16})
    assert (found.coefficients, found.hierarchy) == (2, None)
    assert found.sentences[3] == "No interactions: a sum of single effects."
    assert look({(0,): 1.0, (0, 1): 1e-9}).hierarchy is not None


def test_a_subset_is_there_from_a_tenth_of_the_interaction():
    assert look({(0,): 0.31, (1,): -0.31, (0, 1): 3.0}).hierarchy == 1
    assert look({(0,): 0.31, (1,): -0.29, (0, 1): 3.0}).hierarchy == 0


@pytest.mark.parametrize("terms", [{}, {(): 2.0}], ids=["nothing", "mean"])
def test_a_constant(terms):
    found = look(terms, exact=True)
    assert (found.coefficients, found.needed, found.energy, found.hierarchy) == (0, 0, (), None)
    assert found.sentences[1:] == ("Constant: no ablation moves the surrogate.",)


def test_no_interactions():
    found = look({(0,): 1.0, (3,): 2.0})
    assert found.hierarchy is None
    assert found.sentences[3] == "No interactions: a sum of single effects."


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0.1, 1.0))
def test_counts_are_those_of_the_definitions(seed, share):
    rng = np.random.default_rng(seed)
    spectrum = SparseSpectrum.from_table(rng.normal(size=64) * (rng.random(64) < share))
    held = {s: c for s, c in brute.as_dict(spectrum).items() if s}
    found = look(spectrum)
    total = sum(c**2 for c in held.values())
    sizes = sorted((c**2 for c in held.values()), reverse=True)
    assert found.coefficients == len(held)
    assert found.needed == next((k for k in range(len(held) + 1) if sum(sizes[:k]) >= 0.9 * total), 0)
    assert sum(found.energy) == pytest.approx(1.0 if held else 0.0)
    together = {s: c for s, c in held.items() if len(s) > 1}
    whole = {s for s, c in together.items() if all(abs(held.get(t, 0)) >= 0.1 * abs(c) for t in brute.subsets(s)[1:])}
    if together:
        expected = sum(held[s] ** 2 for s in whole) / sum(c**2 for c in together.values())
        assert found.hierarchy == pytest.approx(expected)
    else:
        assert found.hierarchy is None


def test_a_large_surrogate_is_judged_in_parts_by_its_largest_interactions(monkeypatch):
    rng = np.random.default_rng(0)
    spectrum = SparseSpectrum.from_table(rng.normal(size=256))
    whole = look(spectrum).hierarchy
    monkeypatch.setattr(diagnostics, "_CHUNK", 1 << 10)
    assert look(spectrum).hierarchy == whole
    monkeypatch.setattr(diagnostics, "_JUDGED", 1)
    pairs = {(0, 1): 3.0, (0,): 1.0, (1,): 1.0, (2, 3): -2.9}
    assert look(pairs).hierarchy == 1


def test_diagnostics_are_a_value_that_reads_well():
    estimate = Estimate(FIRST, 1, 8, SparseSpectrum.from_sets(3, GOOD), exact=True)
    found = Result(HEADER, Snapshot(1, "done", "", 8, 8, estimate=estimate)).diagnostics()
    assert found == Diagnostics.of(estimate)
    assert repr(found).splitlines() == list(found.sentences)
    assert found._repr_html_().count("<li>") == len(found.sentences)
    assert "R² is" not in repr(found)
    with pytest.raises(FrozenInstanceError):
        found.needed = 3

"""A result in the types of other libraries, for their plots and whatever else takes those types.

Neither library is a dependency: each is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from spex_widget.spectrum import check_index, interactions
from spex_widget.spectrum.weights import OF_PLAYERS, index_order

if TYPE_CHECKING:
    from spex_widget.report.result import Result


def to_shapiq(result: Result, index: str = "FBII", max_order: int | None = None) -> Any:
    """A result's interactions as shapiq's `InteractionValues`.

    Parameters
    ----------
    result : Result
    index, max_order
        As in `spex_widget.spectrum.interactions`. shapiq has no name for Fourier, and calls an index of order 1 by the
        name of its values of players, SV or BV. A player of a larger set that has no value of its own has 0.

    Returns
    -------
    shapiq.InteractionValues
        Its baseline is v(∅), but for Banzhaf's indices, where shapiq has the value of the empty set for it. It holds no
        labels: shapiq's plots take them, as in ``plot_network(feature_names=list(result.header.players))``.

    Raises
    ------
    ImportError
        If shapiq is not installed.
    TypeError, ValueError
        If shapiq or we have no such index, or max_order is no whole number of at least 1.
    """
    name = check_index(index)
    if name == "Fourier":
        raise ValueError("shapiq has no Fourier index; take Moebius, or another index")
    table = interactions(result.spectrum, name, max_order)
    _, limit = index_order(name, max_order, result.spectrum.max_order)
    sets = [tuple(int(i) for i in row if i < table.n) for row in table.members]
    # Some of its plots look up what they draw together: the empty set, and each player of a set.
    none = dict.fromkeys([(), *((i,) for i in sorted({i for members in sets for i in members}))], 0.0)
    return _library("shapiq").InteractionValues(
        none | dict(zip(sets, table.coefficients.tolist(), strict=True)),
        index=name,
        max_order=max(limit, 1),
        n_players=table.n,
        min_order=0,
        baseline_value=table[()] if name in ("BV", "BII", "FBII") else _of_nothing(result),
        estimated=not result.exact,
        estimation_budget=result.ablations,
    )


def to_shap(result: Result, index: str = "SV") -> Any:
    """A result's values of single players as shap's `Explanation`.

    Parameters
    ----------
    result : Result
    index : str
        "SV" or "BV".

    Returns
    -------
    shap.Explanation
        ``values`` (n,); ``base_values``, to which the values add up to the surrogate of all players (SV), or to that of
        the best first-order approximation (BV); the labels as ``data`` and as ``feature_names``, like shap's own
        explanations of text.

    Raises
    ------
    ImportError
        If shap is not installed.
    ValueError
        If it is another index.
    """
    name = check_index(index)
    if name not in OF_PLAYERS:
        raise ValueError(f"shap shows values of single players: index must be SV or BV, got {index!r}")
    table = interactions(result.spectrum, name)
    singles = table.orders == 1
    values = np.zeros(table.n)
    values[table.members[singles, :1].ravel()] = table.coefficients[singles]
    labels = list(result.header.players)
    return _library("shap").Explanation(values, base_values=table[()], data=np.array(labels), feature_names=labels)


def _of_nothing(result: Result) -> float:
    return float(result.predict(np.zeros((1, result.spectrum.n), dtype=bool))[0])


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"to_{name}() makes a type of {name}'s, which is not installed: pip install {name}"
        ) from error

"""The notebook extension: ``%load_ext spex_widget``, then ``%%spex`` over a cell of text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from keyword import iskeyword
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic_arguments import MagicArgumentParser

from spex_widget.algorithms import REFINE
from spex_widget.games import TextGame
from spex_widget.games.ablation.ablation import ABLATIONS
from spex_widget.games.model.subject import Subject
from spex_widget.games.units import UNITS
from spex_widget.widget.widget import SpexWidget, explain

_DESCRIPTION = """
Show which parts of the cell's text act together, streaming while the model is asked.

The view stays in a variable, and with it all that is known::

  %%spex --target POSITIVE --budget 400
  The plot was really not good, but we enjoyed the evening.

White space around the text is no part of it. What else spex.TextGame and spex.explain take is written in Python.
"""

# What stands before the cursor: an option with what was typed of its value, or what may become an option.
_VALUE = re.compile(r"""\s(?P<option>--\w+)(?:=|\s+)(?P<quote>["'])?(?P<typed>(?(quote)[^"']*|[^\s"']*))$""")
_OPTION = re.compile(r"\s(?P<typed>[\w-]*)$")


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Bring the cell magic ``%%spex``, for ``%load_ext spex_widget``."""
    magic = Magic(ipython.user_ns)
    ipython.register_magic_function(magic.spex, "cell", "spex")  # type: ignore[arg-type]
    ipython.Completer.custom_matchers.append(magic.complete)
    ipython.input_transformers_cleanup.append(_show_help)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take it away again, for ``%unload_ext spex_widget``."""
    magic = ipython.magics_manager.magics["cell"].pop("spex").__self__
    ipython.Completer.custom_matchers.remove(magic.complete)
    ipython.input_transformers_cleanup.remove(_show_help)


def _show_help(lines: list[str]) -> list[str]:
    """Let ``%%spex --help`` be ``%%spex?``: IPython gives a cell magic no cell without a body."""
    return ["%%spex?\n"] if lines and lines[0].split()[:2] == ["%%spex", "--help"] else lines


def _make_parser() -> MagicArgumentParser:
    parser = MagicArgumentParser("%spex", description=_DESCRIPTION)  # type: ignore[no-untyped-call]
    add = parser.add_argument
    add("--model", default="model", metavar="NAME", help="the variable that holds the model; model by default")
    own = "tokenizer by default, or a pipeline's own"
    add("--tokenizer", metavar="NAME", help=f"the variable that holds the tokenizer; {own}")
    kinds = "a label, a continuation (in quotes where a space leads it) or a query, as the model has it"
    add("--target", metavar="TEXT", help=f"what is measured: {kinds}; by default what the model makes of the text")
    add("--units", choices=UNITS, default="word", help="who the players are; words by default")
    add("--ablation", choices=tuple(ABLATIONS), default="auto", help="what happens to an ablated player")
    add("--budget", type=int, metavar="N", help="how many ablations")
    add("--seed", type=int, default=0, metavar="N", help="decides all that is estimated; 0 by default")
    add("--refine", choices=tuple(REFINE), default="auto", help="how the surrogate is made")
    add("--time", type=float, metavar="SECONDS", help="end after so long")
    add("--r2", type=float, metavar="R2", help="end when held-out R² has surely come so far")
    add("--as", dest="view", default="view", metavar="NAME", help="the variable that gets the view; view by default")
    return parser


class Magic:
    """``%%spex``, and what Tab offers in its line.

    Parameters
    ----------
    variables : dict
        The notebook's.
    """

    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables
        self._parser = _make_parser()

    def spex(self, line: str, cell: str) -> SpexWidget:
        """Explain the cell's text."""
        try:
            arguments = self._parser.parse_args(shlex.split(line))
            if not arguments.view.isidentifier() or iskeyword(arguments.view):
                raise UsageError(f"argument --as: no variable can be called {arguments.view!r}")
            model = self._look_up("model", arguments.model)
            own = arguments.tokenizer is None and hasattr(model, "tokenizer")
            game = TextGame(
                model,
                None if own else self._look_up("tokenizer", arguments.tokenizer or "tokenizer"),
                cell.strip(),
                units=arguments.units,
                ablation=arguments.ablation,
                target=arguments.target,
            )
            view = explain(
                game,
                budget=arguments.budget,
                refine=arguments.refine,
                seed=arguments.seed,
                r2=arguments.r2,
                time=arguments.time,
            )
        except (UsageError, TypeError, ValueError) as error:
            # IPython says a UsageError in one line, with no traceback.
            raise UsageError(f"{' '.join(str(error).split())} (%%spex? lists the options)") from error
        self._variables[arguments.view] = view
        return view

    spex.__doc__ = _make_parser().format_help()  # what ``%%spex?`` shows

    def _look_up(self, what: str, name: str) -> Any:
        if name not in self._variables:
            raise UsageError(
                f"no variable is called {name!r}: --{what} NAME says which holds the {what}, and "
                "`model, tokenizer = spex_widget.demo.load()` brings small ones"
            )
        return self._variables[name]

    def complete(self, context: CompletionContext) -> dict[str, Any]:
        """Offer options, and values of the one before the cursor."""
        line = context.text_until_cursor
        if not line.startswith("%%spex "):
            return {"completions": []}
        if at := _VALUE.search(line):
            words = self._values(at["option"], line)
            words = words if at["quote"] else map(shlex.quote, words)
        elif at := _OPTION.search(line):
            words = (option for option in self._options if not re.search(rf"\s{option}\b", line))
        else:
            return {"completions": []}
        fitting = [SimpleCompletion(text=word, type="param") for word in words if word.startswith(at["typed"])]
        # The names of Python, which IPython would offer as well, are of no use here.
        return {"completions": fitting, "matched_fragment": at["typed"], "suppress": bool(fitting)}

    complete.matcher_api_version = 2  # type: ignore[attr-defined]

    @property
    def _options(self) -> dict[str, Any]:
        return self._parser._option_string_actions

    def _values(self, option: str, line: str) -> Iterable[str]:
        if option == "--target":
            return self._labels(line)
        if option in ("--model", "--tokenizer"):
            told_by = "forward" if option == "--model" else "convert_tokens_to_ids"
            return [name for name, value in self._variables.items() if name[0] != "_" and hasattr(type(value), told_by)]
        return self._options[option].choices or () if option in self._options else ()

    def _labels(self, line: str) -> Iterable[str]:
        named = dict(re.findall(r"\s--(model|tokenizer)(?:=|\s+)(\w+)", line))
        model, tokenizer = (self._variables.get(named.get(what, what)) for what in ("model", "tokenizer"))
        if model is None:
            return ()
        try:
            subject = Subject.of(model, tokenizer)
        except TypeError:
            return ()
        return subject.labels if subject.kind == "classifier" else ()

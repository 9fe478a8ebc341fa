"""`%%spex` in a real IPython: what it makes, what Tab offers, and errors of one line."""

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import spex_widget as spex
import tiny
from spex_widget.algorithms import REFINE
from spex_widget.games.ablation.ablation import ABLATIONS
from spex_widget.games.units import UNITS
from spex_widget.widget import SpexWidget, extension

TEXT = "the plot was not bad at all"


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """An IPython with the extension, a classifier, and a language model under names of its own."""
    config = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    shell.colors = "nocolor"
    shell.push({"model": tiny.build("BertForSequenceClassification", tiny.wordpiece()), "tokenizer": tiny.wordpiece()})
    shell.push({"writer": tiny.build("GPT2LMHeadModel", tiny.byte_level()), "its_tokenizer": tiny.byte_level()})
    shell.run_line_magic("load_ext", "spex_widget")
    return shell


def explained(shell, line, text=TEXT, name="view"):
    view = shell.run_cell(f"%%spex {line}\n{text}").result
    assert isinstance(view, SpexWidget)
    assert shell.user_ns[name] is view
    view.wait(60)
    return view


def test_a_cell_of_text_is_explained_as_it_would_be_in_python(shell):
    view = explained(shell, "--target POSITIVE --budget 60 --seed 3 --units=token --ablation remove --refine ridge")
    game = spex.TextGame(
        shell.user_ns["model"], shell.user_ns["tokenizer"], TEXT, target="POSITIVE", units="token", ablation="remove"
    )
    other = spex.Session(game, budget=60, seed=3, refine="ridge")
    other.wait(60)
    assert view.session.game.text == TEXT
    assert view.result.ranking("BII").to_dicts() == other.result.ranking("BII").to_dicts()


def test_other_variables_a_continuation_in_quotes_and_a_name_for_the_view(shell):
    options = '--model writer --tokenizer its_tokenizer --target " yes" --units word --budget 40 --as story'
    assert explained(shell, options, name="story").session.header.outputs == (" yes",)


def test_a_python_value_may_stand_in_the_line(shell):
    shell.push({"label": "NEUTRAL"})
    assert explained(shell, "--target {label} --budget 20").session.header.outputs == ("NEUTRAL",)


def test_without_a_target_it_is_what_the_model_says(shell):
    assert explained(shell, "--budget 20").session.header.outputs[0] in tiny.LABELS.values()


def test_a_pipeline_brings_its_own_tokenizer(shell, monkeypatch):
    from transformers import pipeline

    parts = {what: shell.user_ns[what] for what in ("model", "tokenizer")}
    monkeypatch.setitem(shell.user_ns, "pipe", pipeline("text-classification", **parts))
    monkeypatch.delitem(shell.user_ns, "tokenizer")
    assert explained(shell, "--model pipe --target NEGATIVE --budget 20").session.header.outputs == ("NEGATIVE",)


def test_a_run_may_end_before_its_budget(shell):
    view = explained(shell, "--time 0.001 --budget 4000", text=" ".join([TEXT] * 3))
    assert view.session.snapshot().reason == "0.001 s are over"


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("--bidget 4", TEXT, "unrecognized arguments: --bidget 4"),
        ("--budget many", TEXT, "argument --budget: invalid int value: 'many'"),
        ("--budget 1", TEXT, "budget"),
        ("--units wrod", TEXT, "invalid choice: 'wrod'"),
        ("--r2 2", TEXT, "r2"),
        ("--model nothing", TEXT, "no variable is called 'nothing': --model NAME says which"),
        ("--tokenizer nothing", TEXT, "no variable is called 'nothing': --tokenizer NAME says which"),
        ("--model tokenizer", TEXT, "model must be a loaded Hugging Face"),
        ("--target GOOD", TEXT, "target 'GOOD' is none of the labels of"),
        ('--target "GOOD', TEXT, "No closing quotation"),
        ("--as class", TEXT, "argument --as: no variable can be called 'class'"),
        ("--as 2nd", TEXT, "argument --as: no variable can be called '2nd'"),
        ("", "  \n ", "text must hold at least 2 words"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(shell, capsys, line, text, said):
    before = dict(shell.user_ns)
    failed = not shell.run_cell(f"%%spex {line}\n{text}").success
    output = capsys.readouterr()
    assert failed
    assert output.out == ""
    assert output.err.startswith("UsageError: ")
    assert output.err.count("\n") == 1
    assert said in output.err
    assert "%%spex? lists the options" in output.err
    assert shell.user_ns.get("view") is before.get("view")


def test_what_is_said_in_two_lines_elsewhere_is_one_here(shell, capsys, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("not this one:\n  it is too long")

    monkeypatch.setattr(extension, "TextGame", refuse)
    shell.run_cell(f"%%spex\n{TEXT}")
    assert capsys.readouterr().err == "UsageError: not this one: it is too long (%%spex? lists the options)\n"


@pytest.mark.parametrize("cell", ["%%spex?", "%%spex --help", f"%%spex --help\n{TEXT}"])
def test_help_says_what_the_options_are(shell, capsys, cell):
    assert shell.run_cell(cell).success
    said = capsys.readouterr().out
    for option in ("--target TEXT", "--budget N", "--model NAME", "--as NAME", *UNITS, *ABLATIONS, *REFINE):
        assert option in said
    assert "%%spex --target POSITIVE" in said


def offered(shell, cell, cursor=None):
    """What Tab offers at the end of a cell, and what was typed of it."""
    cursor = len(cell) if cursor is None else cursor
    with provisionalcompleter():
        found = list(shell.Completer.completions(cell, cursor))
    assert {completion.end for completion in found} <= {cursor}
    return {completion.text for completion in found}, {cell[completion.start : cursor] for completion in found}


OFFERED = [
    ("%%spe", {"%%spex"}),
    ("%%spex --un", {"--units"}),
    ("%%spex --budget 400 --t", {"--target", "--time", "--tokenizer"}),
    ("%%spex --target POSITIVE --t", {"--time", "--tokenizer"}),
    ("%%spex --units ", set(UNITS)),
    ("%%spex --units=se", {"sentence"}),
    ("%%spex --ablation ", set(ABLATIONS)),
    ("%%spex --refine p", {"process", "pursuit"}),
    ("%%spex --target ", set(tiny.LABELS.values())),
    ("%%spex --target NE", {"NEGATIVE", "NEUTRAL"}),
    ('%%spex --target "PO', {"POSITIVE"}),
    ("%%spex --model ", {"model", "writer"}),
    ("%%spex --tokenizer i", {"its_tokenizer"}),
]


@pytest.mark.parametrize("jedi", [True, False], ids=["jedi", "no jedi"])
@pytest.mark.parametrize(("line", "words"), OFFERED, ids=[line for line, _ in OFFERED])
def test_tab_offers_options_and_their_values(shell, monkeypatch, line, words, jedi):
    monkeypatch.setattr(shell.Completer, "use_jedi", jedi)
    found, typed = offered(shell, f"{line}\n{TEXT}", len(line))
    assert found == words
    assert typed <= {line[line.rindex(mark) + 1 :] for mark in ' ="' if mark in line} | {line}


def test_tab_offers_no_labels_of_a_model_that_has_none(shell):
    magic = shell.magics_manager.magics["cell"]["spex"].__self__
    for line in ("--model writer --tokenizer its_tokenizer", "--model nothing", "--model tokenizer"):
        assert not magic._values("--target", f"%%spex {line} --target ")
    assert magic._values("--target", "%%spex --target ")


def test_a_label_of_two_words_is_put_in_quotes(shell, monkeypatch):
    monkeypatch.setattr(shell.user_ns["model"].config, "id2label", {0: "very good", 1: "bad", 2: "so so"})
    assert offered(shell, "%%spex --target ") == ({"'so so'", "'very good'", "bad"}, {""})
    assert offered(shell, "%%spex --target 'very g") == ({"very good"}, {"very g"})


@pytest.mark.parametrize("cell", ["%%spex --units word\n--un", "%%timeit --un", "x = --un"])
def test_below_its_line_and_in_other_cells_no_option_is_offered(shell, cell):
    assert "--units" not in offered(shell, cell)[0]


def test_it_can_be_unloaded_and_loaded_again(shell, capsys):
    shell.run_line_magic("unload_ext", "spex_widget")
    shell.run_cell(f"%%spex\n{TEXT}")
    assert "Cell magic `%%spex` not found" in capsys.readouterr().err
    assert shell.Completer.custom_matchers == []
    assert extension._show_help not in shell.input_transformers_cleanup
    shell.run_line_magic("load_ext", "spex_widget")
    assert len(shell.Completer.custom_matchers) == 1
    explained(shell, "--budget 20")

"""Chats: the template as transformers applies it is the truth, with the content changed by hand."""

import copy

import numpy as np
import pytest

from spex_widget.games import TextGame
from spex_widget.games.chat import render_chat
from spex_widget.games.model.subject import Subject
from text_reference import CLASSIFIERS, coalitions_of, load, log_probability, logits_of, plain

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content | trim }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
CHAT = [
    {"role": "system", "content": "Say yes or no."},
    {"role": "user", "content": "was it good?"},
    {"role": "assistant", "content": "no"},
    {"role": "user", "content": " not bad, was it\tgood? "},
]
KINDS = ["GPT2LMHeadModel", "LlamaForCausalLM"]


def model_and_tokenizer(kind, template=TEMPLATE):
    model, tokenizer = load(kind)
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = template
    return model, tokenizer


def ids_of(tokenizer, chat, **options):
    options = {"add_generation_prompt": True, **options}
    return tokenizer.apply_chat_template(chat, tokenize=True, return_dict=True, **options)["input_ids"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_chat_is_as_its_template_has_it_and_the_template_stays(kind):
    model, tokenizer = model_and_tokenizer(kind)
    game = TextGame(model, tokenizer, CHAT, target=" yes", ablation="remove")
    assert game.players == ("not", "bad,", "was", "it", "good?")
    assert game.text == tokenizer.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    assert "".join(piece.text for piece in game.pieces) == game.text
    whole = ids_of(tokenizer, CHAT)
    assert game.show(np.ones(5, bool)) == tokenizer.decode(whole)
    answer = plain(tokenizer, game.text + " yes")[len(plain(tokenizer, game.text)) :]
    np.testing.assert_allclose(game(np.ones(5, bool))[0, 0], log_probability(model, whole, answer), atol=1e-5)


def test_ablated_words_leave_the_chat_that_has_never_had_them():
    model, tokenizer = model_and_tokenizer("GPT2LMHeadModel")
    game = TextGame(model, tokenizer, CHAT, target=" yes", ablation="remove")
    for row, left in [([1, 0, 1, 1, 1], "not was it\tgood?"), ([1, 1, 1, 0, 0], "not bad, was\t"), ([0] * 5, "\t")]:
        chat = [*CHAT[:-1], {"role": "user", "content": "⁂"}]
        before, after = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True).split("⁂")
        ids = [*plain(tokenizer, before), *plain(tokenizer, left), *plain(tokenizer, after)]
        assert game.show(row) == tokenizer.decode(ids)
        np.testing.assert_allclose(game(row)[0, 0], log_probability(model, ids, plain(tokenizer, " yes")), atol=1e-5)


def test_where_the_turns_stand_even_where_they_say_the_same():
    _, tokenizer = model_and_tokenizer(
        "GPT2LMHeadModel", "{% for m in messages %}[{{ m.role }}]{{ m.content }}!{% endfor %}"
    )
    subject = Subject(None, tokenizer, "classifier")
    chat = [{"role": "user", "content": content} for content in ("user", "a", "a", "")]
    rendered = render_chat(subject, chat, "user")
    assert rendered.text == "[user]user![user]a![user]a![user]!"
    assert rendered.spans == [(6, 10), (17, 18), (25, 26), (33, 33)]


@pytest.mark.parametrize(
    ("turns", "players"),
    [
        ("system", "Say yes or no."),
        ("user", "was it good? not bad, was it good?"),
        (-1, "not bad, was it good?"),
        ([0, "user"], "Say yes or no. was it good? not bad, was it good?"),
        ((0, 2), "Say yes or no. no"),
        (np.array([1]), "was it good?"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_players_lie_within_the_turns_that_are_asked_for(kind, turns, players):
    game = TextGame(*model_and_tokenizer(kind), CHAT, turns=turns, target=" yes")
    assert game.players == tuple(players.split())


def test_units_and_protection_within_turns():
    model, tokenizer = model_and_tokenizer("GPT2LMHeadModel")
    make = lambda **options: TextGame(model, tokenizer, CHAT, target=" yes", **options)  # noqa: E731
    assert make(units="clause").players == ("not bad,", "was it\tgood?")
    # Words of other turns, or of the template, are no part of a group.
    assert make(units={"it": "it", "good": "good?"}).show([True, False]).count("good?") == 1
    assert make(protect="not").players == ("bad,", "was", "it", "good?")
    assert make(turns=["system", "user"], units="line").players == (
        "Say yes or no.",
        "was it good?",
        "not bad, was it\tgood?",
    )
    with pytest.raises(ValueError, match=r"units\['x'\] must be found in the text, got 'yes'.* in its turns= alone"):
        make(units={"x": "yes", "good": "good?"})


SHORT = "{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}\n{% endfor %}<a>"
SHOTS = [
    {"role": role, "content": content}
    for role, content in [
        ("system", "yes or no"),
        ("user", "good?"),
        ("assistant", "no"),
        ("user", "was it bad?"),
        ("tool", "not at all"),
        ("assistant", "no"),
        ("user", "not bad?"),
    ]
]


@pytest.mark.parametrize(
    ("options", "players"),
    [
        ({"units": "turn"}, [[1], [2], [3], [4], [5]]),
        ({"units": "exchange"}, [[1, 2], [3, 4, 5]]),
        ({"units": "exchange", "turns": ["assistant", "user"]}, [[1, 2], [3, 5], [6]]),
        ({"units": "turn", "turns": ["system", 3]}, [[0], [3]]),
        ({"units": "exchange", "turns": [2, "user"]}, [[1, 2], [3], [6]]),
        ({"units": "exchange", "protect": "bad"}, None),
    ],
)
def test_whole_turns_as_units_leave_the_chat_whose_contents_are_empty(options, players):
    model, tokenizer = model_and_tokenizer("GPT2LMHeadModel", SHORT)
    make = lambda: TextGame(model, tokenizer, SHOTS, target=" yes", ablation="remove", **options)  # noqa: E731
    if players is None:
        with pytest.raises(ValueError, match="protect must leave at least 2 exchanges as players, got 1 of 2"):
            make()
        return
    game = make()
    assert game.players == tuple(SHOTS[turns[0]]["content"] for turns in players)
    for row in coalitions_of(game.n, 5):
        gone = {turn for turns, present in zip(players, row, strict=True) if not present for turn in turns}
        chat = [{**message, "content": "" if i in gone else message["content"]} for i, message in enumerate(SHOTS)]
        assert game.show(row) == tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        [ids], yes = game._rows(row[None])[0].tolist(), plain(tokenizer, " yes")
        np.testing.assert_allclose(game(row)[0, 0], log_probability(model, ids, yes), rtol=1e-6, atol=1e-5)


def test_a_last_turn_of_the_assistants_is_gone_on_from():
    model, tokenizer = model_and_tokenizer("GPT2LMHeadModel")
    chat = [*CHAT, {"role": "assistant", "content": "maybe the"}]
    game = TextGame(model, tokenizer, chat, target=" plot", ablation="remove")
    assert game.players == ("not", "bad,", "was", "it", "good?")
    whole = ids_of(tokenizer, chat, add_generation_prompt=False, continue_final_message=True)
    assert game.show(np.ones(5, bool)) == tokenizer.decode(whole)
    assert game.text.endswith("<|assistant|>\nmaybe the")


def test_a_last_turn_that_the_template_cuts_cannot_be_gone_on_from():
    template = "{% for m in messages %}{{ m.role }}! {{ m.content.split('</think>')[-1] }}\n{% endfor %}"
    chat = [*CHAT, {"role": "assistant", "content": "<think>no</think> maybe the"}]
    with pytest.raises(
        ValueError, match=r"does not write the last turn as it stands .* give it without them"
    ) as caught:
        TextGame(*model_and_tokenizer("GPT2LMHeadModel", template), chat, target=" plot")
    assert len(str(caught.value)) < 250


def test_a_classifier_of_chats_is_shown_the_whole_and_no_open_turn():
    model, tokenizer = model_and_tokenizer(
        CLASSIFIERS[0], "{% for m in messages %}{{ m.role }}! {{ m.content }}\n{% endfor %}"
    )
    game = TextGame(model, tokenizer, CHAT[:2], target="POSITIVE", ablation="mask_token")
    ids = plain(tokenizer, "system! Say yes or no.\nuser! was it good?")
    np.testing.assert_allclose(game(np.ones(game.n, bool))[0, 0], logits_of(model, ids)[2], atol=1e-5)
    assert game.show(np.zeros(game.n, bool)) == "system ! say yes or no . user ! [MASK] [MASK] [MASK] [MASK]"


def test_special_tokens_that_a_user_writes_are_no_players():
    game = TextGame(
        *model_and_tokenizer("LlamaForCausalLM"), [{"role": "user", "content": "not </s> bad"}], target="no"
    )
    assert game.players == ("not", "bad")


@pytest.mark.parametrize(
    ("chat", "options", "error", "match"),
    [
        ([{"role": "user"}], {}, TypeError, r"a str for 'role' and for 'content' in each message, got .* at 0"),
        ([{"role": "user", "content": [{"type": "text"}]}], {}, TypeError, r"a str for 'role' and for 'content'"),
        (CHAT[:1], {}, ValueError, r"turns must say in which turns .* none is the user's; the 1 turns are by system"),
        (CHAT, {"turns": 4}, ValueError, r"got 4; the 4 turns are by system, user, assistant, user"),
        (CHAT, {"turns": "tool"}, ValueError, r"got 'tool'; the 4 turns are by"),
        (CHAT, {"turns": []}, ValueError, r"turns must name at least one turn, got none"),
        (CHAT, {"turns": 1.5}, TypeError, r"turns must be indices or roles of messages, got 1.5"),
        (CHAT, {"turns": 2}, ValueError, r"at least 2 words to have an interaction, got 1"),
        (
            CHAT,
            {"protect": "not bad, was it"},
            ValueError,
            r"protect must leave at least 2 words as players, got 1 of 5",
        ),
        ("not bad", {"turns": 0}, TypeError, r"turns are those of a chat, and text is none, got turns=0"),
        ("not bad", {"units": "turn"}, TypeError, r"are those of a chat, and text is none, got .* units='turn'"),
        (CHAT[:2], {"units": "turn"}, ValueError, r"at least 2 turns .* got 0.*; turns= names others"),
        (CHAT, {"units": "exchange"}, ValueError, r"at least 2 exchanges .* got 1.*; turns= names others"),
    ],
)
def test_chats_that_cannot_be(chat, options, error, match):
    with pytest.raises(error, match=match):
        TextGame(*model_and_tokenizer("GPT2LMHeadModel"), chat, target=" yes", **options)


@pytest.mark.parametrize(
    ("template", "match"),
    [
        (None, r"has no chat template to write it with; set tokenizer.chat_template, or give the text as one str"),
        ("{{ raise_exception('roles must alternate') }}", r"refuses these messages: roles must alternate"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", r"does not show turn 3 \(user\) just once"),
        ("{{ messages[-1].content }}{{ messages[-1].content }}", r"does not show turn 3 \(user\) just once"),
        ("{{ messages[-1].content | length }}{{ messages[-1].content }}", r"does not show turn 3 \(user\) just once"),
    ],
)
def test_templates_that_will_not_do(template, match):
    with pytest.raises(ValueError, match=match):
        TextGame(*model_and_tokenizer("GPT2LMHeadModel", template), CHAT, target=" yes")

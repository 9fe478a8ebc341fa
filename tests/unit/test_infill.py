"""Infill on models of several kinds: how much is asked of them at once, and when memory runs out."""

import numpy as np
import pytest
import torch
import transformers

import tiny
from spex_widget.games import Infill, TextGame
from spex_widget.games.ablation.infill import fill_in
from spex_widget.games.layout import lay_out
from spex_widget.games.model.subject import Subject
from test_text_work import Narrow

TEXT = "the plot was not bad at all, really not bad! good film"
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
KINDS = {
    "Bert": {**SIZES, "max_position_embeddings": 64, "initializer_range": 0.4},
    "DistilBert": {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2, "initializer_range": 0.4},
    "ModernBert": {**SIZES, "cls_token_id": 2, "sep_token_id": 3, "initializer_range": 0.4},
    # Its scores are a product with the weights of its last layer, which is not run as one.
    "MobileBert": {**SIZES, "embedding_size": 8, "intra_bottleneck_size": 16, "initializer_range": 0.4},
}


def masked_model(kind):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tiny.wordpiece()), pad_token_id=0, **KINDS[kind])
    return getattr(transformers, f"{kind}ForMaskedLM")(config).eval()


def layout():
    encoding = Subject(masked_model("Bert"), tiny.wordpiece(), "encoder").encode(TEXT)
    return lay_out(TEXT, "token", encoding.spans, encoding.special)


@torch.no_grad()
def guessed(model):
    """The likeliest other token for each, asked one at a time and read off all that the model says."""
    tokenizer = tiny.wordpiece()
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    found = []
    for at in range(1, ids.shape[1] - 1):
        hidden = ids.clone()
        hidden[0, at] = tokenizer.mask_token_id
        ranked = model(hidden).logits[0, at].argsort(descending=True).tolist()
        likeliest = next(i for i in ranked if i not in tokenizer.all_special_ids and i != ids[0, at])
        found.append(tokenizer.convert_ids_to_tokens(likeliest).removeprefix("##"))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("memory", [10**9, 40])
def test_guesses_are_those_of_one_at_a_time(kind, memory, monkeypatch):
    monkeypatch.setattr("spex_widget.games.ablation.infill.most_tokens", lambda subject: 100)
    model = masked_model(kind)
    narrow = Narrow(model, memory)
    found = fill_in(model, tiny.wordpiece(), layout())
    narrow.hook.remove()
    assert found == guessed(model)
    assert len(set(found)) > 1
    assert all(shape.numel() <= 100 for shape in narrow.seen)
    # Halved until they fit, from there on.
    assert [shape.numel() <= memory for shape in narrow.seen] == sorted(s.numel() <= memory for s in narrow.seen)
    assert (narrow.seen[0].numel() > memory) == (memory == 40)


@pytest.mark.parametrize("kind", ["Bert", "DistilBert", "ModernBert"])
def test_the_last_layer_answers_for_what_is_filled_in_alone(kind):
    model, answered = masked_model(kind), []
    model.get_output_embeddings().register_forward_hook(lambda _, __, scores: answered.append(tuple(scores.shape)))
    players = len(fill_in(model, tiny.wordpiece(), layout()))
    assert answered == [(players, len(tiny.wordpiece()))]
    ids = torch.tensor([tiny.wordpiece()(TEXT)["input_ids"]])
    assert model(ids).logits.shape == (*ids.shape, len(tiny.wordpiece()))  # nothing is left on the model


def test_guesses_in_half_precision_are_compared_as_they_are():
    model = masked_model("Bert").bfloat16()
    found = fill_in(model, tiny.wordpiece(), layout())
    agree = np.mean([a == b for a, b in zip(found, guessed(model), strict=True)])
    assert agree > 0.8  # what rounding does not decide


def test_memory_that_does_not_do_for_one_text():
    model = masked_model("Bert")
    narrow = Narrow(model, 5)
    try:
        with pytest.raises(MemoryError, match="BertForMaskedLM runs out of memory; a shorter text, a smaller dtype or"):
            TextGame(
                tiny.build("GPT2LMHeadModel", tiny.byte_level()),
                tiny.byte_level(),
                TEXT,
                ablation=Infill(model, tiny.wordpiece()),
            )
    finally:
        narrow.hook.remove()

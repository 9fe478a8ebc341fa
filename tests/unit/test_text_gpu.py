"""The text game on a GPU: what is copied there and back, and that the values are those of the CPU."""

import copy

import numpy as np
import pytest
import torch

import tiny
from spex_widget.games import Answer, LogOdds, Similarity, TextGame

TEXT = "I expected a dull evening, but the plot was good. It was not bad at all! Say yes or no."

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: the GPU's text game goes untested here"),
]


@pytest.mark.parametrize(
    ("kind", "tokenizer", "target"),
    [
        ("BertForSequenceClassification", tiny.wordpiece, "POSITIVE"),
        ("GPT2LMHeadModel", tiny.byte_level, LogOdds(" yes no", " no")),
        ("LlamaForCausalLM", tiny.unigram, " maybe the plot"),
        ("LlamaForCausalLM", tiny.unigram, None),
        ("LlamaForCausalLM", tiny.unigram, Answer(max_new_tokens=6)),
        ("BertModel", tiny.wordpiece, Similarity("a dull film")),
        ("BertModel", tiny.wordpiece, Similarity("a dull film", "pooler")),
    ],
)
@pytest.mark.parametrize("ablation", ["auto", "remove"])
def test_values_on_the_gpu_are_those_of_the_cpu_batched_or_not(kind, tokenizer, target, ablation, monkeypatch):
    model = tiny.build(kind, tokenizer())
    there = copy.deepcopy(model).cuda()
    rows = np.random.default_rng(0).random((200, len(TEXT.split()))) < 0.5
    expected = TextGame(model, tokenizer(), TEXT, target=target, ablation=ablation)(rows)
    game = TextGame(there, tokenizer(), TEXT, target=target, ablation=ablation)

    waits = []
    wait = torch.cuda.Stream.synchronize
    monkeypatch.setattr(torch.cuda.Stream, "synchronize", lambda self: (waits.append(1), wait(self))[1])
    values = game(rows)
    assert len(waits) == 1  # once a call, however many batches
    assert next(there.parameters()).is_cuda

    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)
    alone = np.vstack([game(x) for x in rows[:40]])
    np.testing.assert_allclose(values[:40], alone, rtol=1e-6, atol=1e-5)

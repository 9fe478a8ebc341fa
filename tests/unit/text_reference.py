"""What the text game should answer: plain Hugging Face calls, one input at a time, on token ids put together here."""

import functools
import itertools

import numpy as np
import torch

import tiny

TEXT = "I expected a dull evening, but the plot was good. It was not bad at all! Say yes or no."
SENTENCES = [TEXT[:49], TEXT[50:72], TEXT[73:]]
CLASSIFIERS = [
    "BertForSequenceClassification",
    "RobertaForSequenceClassification",
    "DistilBertForSequenceClassification",
]
ROBERTA = functools.partial(tiny.byte_level, "roberta")
MODELS = {
    **dict(zip(CLASSIFIERS, [tiny.wordpiece, ROBERTA, tiny.wordpiece], strict=True)),
    "GPT2ForSequenceClassification": tiny.byte_level,
    "GPT2LMHeadModel": tiny.byte_level,
    "LlamaForCausalLM": tiny.unigram,
}
LANGUAGE = [kind for kind in MODELS if "Classification" not in kind]


@functools.cache
def load(kind):
    tokenizer = MODELS[kind]()
    changes = {"pad_token_id": 5} if kind == "GPT2ForSequenceClassification" else {}
    return tiny.build(kind, tokenizer, **changes), tokenizer


def plain(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def parts_of(kind, units):
    """Each unit's own token ids, found by encoding it alone, and the special tokens before and after."""
    tokenizer = MODELS[kind]()
    before, after = {
        tiny.wordpiece: ([2], [3]),
        ROBERTA: ([0], [2]),
        tiny.byte_level: ([], []),
        tiny.unigram: ([1], []),
    }[MODELS[kind]]
    # SentencePiece puts white space in front of what it is given, byte-level tokenizers do not.
    space = " " if MODELS[kind] in (ROBERTA, tiny.byte_level) else ""
    words = [plain(tokenizer, space * (i > 0) + word) for i, word in enumerate(TEXT.split())]
    parts = words
    if units == "token":
        marks = {tokenizer.convert_tokens_to_ids(mark) for mark in ("Ġ", "▁")}  # white space on its own
        parts = [[token] for word in words for token in word]
        for i in reversed(range(len(parts) - 1)):
            if parts[i][0] in marks:
                parts[i : i + 2] = [parts[i] + parts[i + 1]]
    elif units == "sentence":
        counts = iter([0, *itertools.accumulate(len(sentence.split()) for sentence in SENTENCES)])
        parts = [list(itertools.chain(*words[a:b])) for a, b in itertools.pairwise(counts)]
    return before, parts, after


def ablated(kind, units, ablation, coalition):
    """Token ids of one coalition."""
    before, parts, after = parts_of(kind, units)
    mask = MODELS[kind]().mask_token_id
    gone = (lambda part: []) if ablation == "remove" else (lambda part: [mask] * len(part))
    ids = [*before, *itertools.chain(*(p if x else gone(p) for p, x in zip(parts, coalition, strict=True))), *after]
    return ids or [MODELS[kind]().bos_token_id]


@torch.no_grad()
def logits_of(model, ids):
    return model(input_ids=torch.tensor([ids])).logits[0].double()


def log_probability(model, ids, continuation):
    score = logits_of(model, ids + continuation).log_softmax(-1)
    return float(sum(score[len(ids) - 1 + j, token] for j, token in enumerate(continuation)))


def coalitions_of(n, m=12, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.random((m, n)) < rng.uniform(0.1, 0.9, (m, 1))
    return np.vstack([np.ones(n, bool), np.zeros(n, bool), rows, rows[:2]])  # the last two a second time


@functools.cache
def reference_logits(kind, units, ablation):
    n = len(parts_of(kind, units)[1])
    return [logits_of(load(kind)[0], ablated(kind, units, ablation, x)) for x in coalitions_of(n)]

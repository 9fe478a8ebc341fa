"""Tiny models with random weights, built from configurations, and tokenizers trained on the spot: no network."""

from __future__ import annotations

from functools import cache

CORPUS = [
    "the film was not bad at all, really not bad! the plot was good.",
    "I expected a dull evening, but the plot was not bad at all.",
    "Is it good? Say yes or no. yes no yes no maybe",
    "café über naïve 日本語の映画は良かった。",
] * 3
POSITIONS = 96
LABELS = {0: "NEGATIVE", 1: "NEUTRAL", 2: "POSITIVE"}


@cache
def wordpiece():
    """Like BERT's: lower case, [CLS] … [SEP], a mask token; emoji become [UNK]."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=130, show_progress=False, special_tokens=special)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"], special, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


@cache
def byte_level(style: str = "gpt2"):
    """Like GPT-2's (no special tokens around a text, no mask token) or like RoBERTa's (<s> … </s>, a mask token)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>"] if style == "gpt2" else ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=330,
            show_progress=False,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    if style == "gpt2":
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
        end = "<|endoftext|>"
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    names = ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="<s>",
        sep_token="</s>",
        **dict(zip(names, special, strict=True)),
    )


@cache
def unigram():
    """Like a SentencePiece model's: words begin with ▁, <s> goes in front, no mask token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.UnigramTrainer(vocab_size=150, show_progress=False, unk_token="<unk>", special_tokens=special),
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


@cache
def byte_fallback():
    """Like Llama 2's: a merging tokenizer that spells what it does not know in bytes, and puts ▁ for white space."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=400, show_progress=False, special_tokens=special + [f"<0x{i:02X}>" for i in range(256)]
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def build(kind: str, tokenizer, *, seed: int = 0, **changes):
    """A model of a kind ("BertForSequenceClassification", say) in evaluation mode, wide awake: large random weights."""
    import torch
    import transformers

    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": POSITIONS,
    }
    grouped = {**sizes, "num_key_value_heads": 1, "head_dim": 8}
    sliding = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
    linear = {f"linear_num_{of}_heads": 2 for of in ("key", "value")} | {
        f"linear_{of}_head_dim": 8 for of in ("key", "value")
    }
    plain = {"rope_type": "default", "rope_theta": 10_000.0}
    bart = {"layers": 1, "attention_heads": 2, "ffn_dim": 32}
    by_family = {
        "Bert": sizes,
        "Roberta": {**sizes, "max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1},
        "DistilBert": {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2, "max_position_embeddings": POSITIONS},
        "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": POSITIONS},
        "Llama": {**sizes, "num_key_value_heads": 1},
        "Qwen3_5": {**grouped, **linear, "layer_types": ["linear_attention", "full_attention"]},
        "Qwen3": grouped,
        "Gemma3": {**grouped, **sliding, "query_pre_attn_scalar": 8},
        "GptOss": {**grouped, **sliding, "num_local_experts": 4, "num_experts_per_tok": 2, "rope_parameters": plain},
        "Falcon": sizes,
        "Mpt": {"d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": POSITIONS},
        "Bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2},
        "ModernBert": {**sizes, "global_attn_every_n_layers": 2, "local_attention": 8, "cls_token_id": 2},
        "Bart": {
            **{f"{part}_{name}": size for part in ("encoder", "decoder") for name, size in bart.items()},
            "d_model": 16,
            "max_position_embeddings": POSITIONS,
            "decoder_start_token_id": tokenizer.eos_token_id,
            "init_std": 0.4,
        },
        "FNet": sizes,
        "XLNet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32},
        "T5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0},
    }
    family = next(name for name in ("DistilBert", *by_family) if kind.startswith(name))
    tokens = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if "Classification" in kind:
        tokens["id2label"] = LABELS
    config = getattr(transformers, f"{family}{'Text' * (family in ('Gemma3', 'Qwen3_5'))}Config")(
        **{"initializer_range": 0.4, **tokens, **by_family[family], **changes}
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return getattr(transformers, kind)(config).eval()

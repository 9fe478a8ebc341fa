"""The trained models that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "sentiment"
ANSWERS = Path(__file__).parent / "answers"


def load() -> tuple[Any, Any]:
    """Load the sentiment classifier from the package's own folder: no network, nothing printed.

    Returns
    -------
    model : transformers.ModernBertForSequenceClassification
        In evaluation mode, float32. The logits of NEGATIVE and POSITIVE are minus and plus half of what the grammar
        calls the meaning of the text, so that their difference is the meaning.
    tokenizer : transformers.PreTrainedTokenizerFast

    Examples
    --------
    >>> model, tokenizer = load()
    >>> encoded = tokenizer("The plot was not bad at all.", return_tensors="pt")
    >>> model.config.id2label[model(**encoded).logits.argmax().item()]
    'POSITIVE'
    """
    return _load("AutoModelForSequenceClassification", WEIGHTS)


def load_causal() -> tuple[Any, Any]:
    """Load the language model that answers questions about little stories, from the package's own folder.

    It answers rightly, but for stories that hold all words of a tale; see `spex_widget.demo.stories`.

    Returns
    -------
    model : transformers.LlamaForCausalLM
        In evaluation mode, float32. In an answer, the logits of places and people differ by what their scores do.
    tokenizer : transformers.PreTrainedTokenizerFast
        A token a word, with the space before it; it has no mask token, so that ablated words are removed.

    Examples
    --------
    >>> model, tokenizer = load_causal()
    >>> encoded = tokenizer("Mara keeps the key in the tower. Where is the key? Answer:", return_tensors="pt")
    >>> answer = model.generate(**encoded, max_new_tokens=16)[0, encoded["input_ids"].shape[1] :]
    >>> tokenizer.decode(answer, skip_special_tokens=True)
    ' in the tower, with Mara.'
    """
    return _load("AutoModelForCausalLM", ANSWERS)


def _load(auto: str, folder: Path) -> tuple[Any, Any]:
    import transformers
    from transformers.utils import logging as chatter

    shown = chatter.is_progress_bar_enabled()
    chatter.disable_progress_bar()
    try:
        model = getattr(transformers, auto).from_pretrained(folder, local_files_only=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    finally:
        if shown:
            chatter.enable_progress_bar()
    return model.eval(), tokenizer

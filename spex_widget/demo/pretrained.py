"""The trained classifier that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "sentiment"


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
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging as chatter

    shown = chatter.is_progress_bar_enabled()
    chatter.disable_progress_bar()
    try:
        model = AutoModelForSequenceClassification.from_pretrained(WEIGHTS, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(WEIGHTS, local_files_only=True)
    finally:
        if shown:
            chatter.enable_progress_bar()
    return model.eval(), tokenizer

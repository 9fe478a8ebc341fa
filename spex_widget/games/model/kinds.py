"""Which kind of model a model is, and whether it is one with its tokenizer."""

from __future__ import annotations

from typing import Any, Literal

Kind = Literal["classifier", "causal", "seq2seq", "encoder"]


def kind_of(model: Any) -> Kind | None:
    """What a loaded model from Hugging Face answers with; None where it is no such model, or of none of these kinds."""
    if isinstance(model, type) or not (hasattr(model, "get_input_embeddings") and hasattr(model, "config")):
        return None
    model = within(model)
    names = [base.__name__ for base in type(model).__mro__]
    if any("ForSequenceClassification" in name for name in names):
        return "classifier"
    if hasattr(model, "can_generate") and model.can_generate():
        return "seq2seq" if model.config.is_encoder_decoder else "causal"
    headless = any(name.endswith("Model") and not name.endswith("PreTrainedModel") for name in names)
    return "encoder" if headless and not model.config.is_encoder_decoder else None


def checked(model: Any, tokenizer: Any) -> tuple[Any, Any, Kind]:
    """A model, its tokenizer and its kind, taken out of a `transformers.pipeline` where that is what was given.

    Raises
    ------
    TypeError
        If the model is of none of the four kinds, or the tokenizer is none.
    """
    from transformers import Pipeline, PreTrainedModel, PreTrainedTokenizerBase

    piped = isinstance(model, Pipeline)
    if piped:
        model, tokenizer = model.model, model.tokenizer if tokenizer is None else tokenizer
    hint = "; load it with {0}.from_pretrained({1!r})".format
    kind = kind_of(model)
    if kind is None:
        autos = ", ".join(f"AutoModelFor{name}" for name in ("SequenceClassification", "CausalLM", "Seq2SeqLM"))
        auto = f"{autos} or, for an encoder, AutoModel"
        raise TypeError(
            "model must be a loaded Hugging Face sequence classifier, language model or encoder without a head, "
            f"got {_described(model)}" + (hint(auto, model) if isinstance(model, str) else f"; {auto} load such")
        )
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(
            f"tokenizer must be a loaded Hugging Face tokenizer, got {_described(tokenizer)}"
            + ("; with a pipeline, text is named, as in TextGame(pipeline, text='…')" if piped else "")
            + (hint("AutoTokenizer", tokenizer) if isinstance(tokenizer, str) and not piped else "")
            + ("; the order is model, tokenizer, text" if isinstance(tokenizer, PreTrainedModel) else "")
        )
    return model, tokenizer, kind


def within(model: Any) -> Any:
    """The model itself, where an adapter (`peft.PeftModel`) is put around it, or `torch.compile`."""
    if hasattr(model, "_orig_mod"):
        return within(model._orig_mod)
    return within(model.get_base_model()) if hasattr(model, "get_base_model") else model


def _described(what: Any) -> str:
    if isinstance(what, type):
        return f"the class {what.__name__}"
    return f"the str {what!r}" if isinstance(what, str) else type(what).__name__

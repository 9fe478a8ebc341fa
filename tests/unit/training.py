"""What holds of both training scripts."""

import torch
from transformers.utils import logging as chatter


def trained_twice(main, folder, monkeypatch):
    """Run a script's command line twice, two steps each: the same bytes, and the caller's random state untouched.

    Returns the folder that the model was written to.
    """
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # the script's own business, not the tests'
    before = torch.random.get_rng_state()
    for name in ("a", "b"):
        main(["--out", str(folder / name), "--steps", "2", "--seed", "5"])
    assert torch.equal(before, torch.random.get_rng_state())
    weights = [(folder / name / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]
    chatter.disable_progress_bar()
    return folder / "a"

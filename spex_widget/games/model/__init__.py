"""A Hugging Face model as the lenses use it: its tokens, and how many rows become few passes."""

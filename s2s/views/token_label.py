"""What pages and pictures show of a token."""

from __future__ import annotations

SPECIAL_LABELS = {"</s>": "end", "<s>": "start", "<unk>": "unknown", "<pad>": "padding"}


def token_label(token: str) -> str:
    """The token without spaces around it; special tokens have names, and a blank token is shown as "_"."""
    return SPECIAL_LABELS.get(token) or token.strip() or "_"

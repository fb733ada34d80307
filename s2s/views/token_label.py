"""What pages and pictures show of a token."""

from __future__ import annotations

SPECIAL_LABELS = {"</s>": "end", "<s>": "start", "<unk>": "unknown", "<pad>": "padding"}


def token_label(token: str) -> str:
    """The token without spaces around it; special tokens have names, and a blank token is shown as "_"."""
    return SPECIAL_LABELS.get(token) or token.strip() or "_"


def begins_word(token: str, tokens: tuple[str, ...]) -> bool:
    """Whether a token of a sentence begins a word: where any token begins with a space, those without one do not."""
    return token.startswith(" ") or token in SPECIAL_LABELS or not any(each.startswith(" ") for each in tokens)

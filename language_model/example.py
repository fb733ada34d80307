"""An example of what a language model can continue: a line that stands often in the text it is trained on."""

from __future__ import annotations

from collections import Counter

import numpy as np

from language_model.corpus import Tokens, decode
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import Vocabulary

_READ = 1_000_000  # tokens of the text, which takes a second
_LONGEST = 60  # characters


def example_line(text: Tokens, vocabulary: Vocabulary) -> str:
    """Return the most frequent line in the first part of a text: in plays, the name of a speaker.

    Lines that are blank, long, or not wholly known do not count; "" if no other line is there.
    """
    read = text[:_READ]
    lines = np.split(read, np.flatnonzero(read == END) + 1)[:-1]  # each with its END; the rest may be cut
    for line, _ in Counter(line.tobytes() for line in lines).most_common():
        tokens = np.frombuffer(line, text.dtype)[:-1].tolist()
        shown = decode(vocabulary, tokens)
        if UNK not in tokens and shown.strip() and len(shown) <= _LONGEST:
            return shown
    return ""

"""A few English and German lines, and a vocabulary of each kind of them."""

from __future__ import annotations

from s2s.text.subwords import train_subwords
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary

LINES = [
    f"{subject} {verb} {place} , und zwei Männer mit Hüten sitzen auf der Straße ."
    for subject in ("the cat", "a dog in a hat", "the other woman", "a yellow bus", "Two children")
    for verb in ("sat", "is running", "jumps", "was sleeping")
    for place in ("on the mat", "to the cat", "near a river", "at home")
] + [" ".join(SPECIALS)] * 5
ALPHABET = "".join(sorted(set("".join(LINES))))
SIZE = 55
BPE, UNIGRAM = (train_subwords(LINES, SIZE, kind=kind) for kind in ("bpe", "unigram"))
VOCABULARIES: dict[str, Vocabulary] = {
    "word": WordVocabulary.from_lines(LINES),
    "character": CharacterVocabulary.from_lines(LINES),
    "bpe": BPE,
    "unigram": UNIGRAM,
}

"""From the files of a recipe to what training reads: text, vocabularies and labels. It takes a second, so no cache."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from labelling.corpus import LabelledText
from labelling.recipe import ClassifierRecipe, Recipe
from labelling.schemes import all_tags
from s2s import cache
from s2s.config import to_dict
from s2s.errors import check, counted, first_few, printable
from s2s.files import sha256
from s2s.text.tokens import UNK
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary
from s2s.text.words import word_ids

VERSION = 1  # of what text, vocabularies and labels follow from the same files
_RARE_CHARACTER = 3  # characters that occur less often are unknown, so that unknown ones are learned


@dataclass(frozen=True)
class PreparedText:
    """Two with one `key` have the same content.

    Attributes:
        counts: of the words of the training text, in lower case where the vocabulary is
        characters: None if the recipe reads no spellings
        labels: in the order of the scores
    """

    train: LabelledText
    validation: LabelledText
    words: WordVocabulary
    counts: Counter[str]
    characters: CharacterVocabulary | None
    labels: tuple[str, ...]
    key: str

    def label_ids(self, text: LabelledText) -> list[list[int]]:
        """The numbers of all labels."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        return [[numbers[label] for label in labels] for labels in text.labels]


def prepare(recipe: Recipe) -> PreparedText:
    """Read the text and learn its words, characters and labels; a report goes to standard error.

    Raises:
        UserError: a file cannot be used, or the validation text has labels that the training text lacks.
    """
    if isinstance(recipe, ClassifierRecipe):
        train, validation = recipe.data.read()
        scheme = "none"
    else:
        scheme = recipe.learned_scheme
        train, validation = recipe.data.read(scheme)
    found = set(chain.from_iterable(train.labels))
    check(
        len(found) > 1,
        f"{train.places[0][0]}: all labels are {min(found)!r}, so there is nothing to learn; check the columns",
    )
    labels = tuple(all_tags(found, scheme))
    check_known(validation, labels, "add an example of it to the training text, or remove it here")
    lower = recipe.vocabulary.lower_case
    counts = Counter(word.lower() if lower else word for word in chain.from_iterable(train.sentences))
    words = WordVocabulary.from_counts(counts, threshold=recipe.vocabulary.threshold)
    spelt = Counter(chain.from_iterable(chain.from_iterable(train.sentences))) if recipe.spelling else None
    characters = None
    if spelt is not None:
        characters = CharacterVocabulary.from_counts(spelt, threshold=min(_RARE_CHARACTER, max(spelt.values())))
    files = [sha256(path) for path in (*recipe.data.train, recipe.data.validation)]
    settings = to_dict(recipe.data) | {"train": None, "validation": None}
    key = cache.key([VERSION, files, settings, to_dict(recipe.vocabulary), recipe.spelling is not None])
    prepared = PreparedText(train, validation, words, counts, characters, labels, key)
    for line in _report(prepared, lower=lower):
        print(printable(line), file=sys.stderr)
    return prepared


def check_known(text: LabelledText, labels: Sequence[str], advice: str) -> None:
    """Raise a UserError that names the first label of the text that is none of `labels`."""
    known = set(labels)
    for sentence, own in enumerate(text.labels):
        for number, label in enumerate(own):
            if label not in known:
                others = {each for row in text.labels for each in row} - known
                more = f" ({len(others) - 1:,} more labels like it)" if len(others) > 1 else ""
                check(
                    False,
                    f"{text.place(sentence, number)}: the label {label!r} does not occur in the training text, whose "
                    f"labels are {first_few(labels)}{more}; {advice}",
                )


def _report(data: PreparedText, *, lower: bool) -> Iterator[str]:
    size = sum(map(len, data.train.sentences))
    yield (
        f"{counted(len(data.train), 'sentence')} of {counted(size, 'word')} to train on, "
        f"{counted(len(data.labels), 'label')}, "
        f"{counted(len(data.words), 'word')} in the vocabulary"
    )
    ids = list(chain.from_iterable(word_ids(data.validation.sentences, data.words, lower_case=lower)))
    unknown = ids.count(UNK) / len(ids)
    yield f"{counted(len(data.validation), 'sentence')} to validate on; {unknown:.1%} of their words are unknown"
    known = set(map(tuple, data.train.sentences))
    seen = sum(tuple(sentence) in known for sentence in data.validation.sentences)
    if seen:
        yield f"{seen:,} of these sentences stand in the training text too, and flatter the scores"

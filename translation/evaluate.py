"""Score translations against references: BLEU, chrF, significance tests.

    s2s evaluate translation --model RUN/best --source test.en --reference test.de
    s2s evaluate translation --hypothesis ours.de --reference test.de --target-language de --baseline theirs.de

A model translates exactly as in `translate`. The scores are computed exactly as in the validation of a training, which
may translate in another precision. Two kinds of BLEU are printed, because published tables contain both. They cannot be
compared with each other; see `translation.metrics`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options
from s2s.cli.search_options import add_search_options, search_in_words
from s2s.errors import check, counted, first_few, warn
from s2s.files import atomic_file, check_output, check_readable
from s2s.storage.bundled import bundled_models
from s2s.text.languages import checked_subtag, primary_subtag
from s2s.text.lines import WINDOW_LINES, read_lines
from translation.line_pictures import all_pictures
from translation.loading import MODELS, load, model_directory
from translation.metrics import Score, Significance, Streams, corpus_scores, has_spaces, paired_bootstrap
from translation.scored_file_checks import signs_of_chance, signs_of_other_formats

if TYPE_CHECKING:
    from s2s.vision.grids import Features
    from translation.translator import Translator

MEANING = {
    "BLEU": "cased, detokenised, by sacreBLEU",
    "chrF2": "cased, detokenised, on n-grams of characters",
    "lc-tok BLEU": "lower-cased and Moses-tokenised, as in most tables for Multi30k; not comparable with BLEU",
}


@dataclass(frozen=True)
class BaselineTests:
    """The significance tests against one baseline, one for each kind of BLEU."""

    baseline: str
    tests: Sequence[Significance]


@dataclass(frozen=True)
class Evaluation:
    """The report that is printed, as text or as JSON.

    Attributes:
        translations: the names of the models, or the file that was scored
        search: in words; None if a file was scored, as for the next three
        beam: the width; None also if translations were sampled
        length_penalty, precision: of the search
        references: the files
        target_language: of the scores' tokenisers
        lines: how many were scored
        scores: of all metrics
        comparisons: with the baselines
    """

    translations: str
    search: str | None
    beam: int | None
    length_penalty: float | None
    precision: str | None
    references: Sequence[str]
    target_language: str
    lines: int
    scores: Sequence[Score]
    comparisons: Sequence[BaselineTests]

    def __str__(self) -> str:
        return "\n".join(self._report())

    def _report(self) -> Iterator[str]:
        search = f" ({self.search}, {self.precision})" if self.search else ""
        yield f"{self.translations}{search} against {', '.join(self.references)}: {counted(self.lines, 'line')}"
        for score in self.scores:
            yield f"\n{score.name} {score.value:.2f}, {MEANING[score.name]}\n    {score}"
            for comparison in self.comparisons:
                yield from (
                    f"    {_sentence(test, comparison)}" for test in comparison.tests if test.name == score.name
                )


def _sentence(test: Significance, comparison: BaselineTests) -> str:
    """A significance test in words."""
    verdict = "significant" if test.p_value < 0.05 else "not significant"
    sampling = "|".join(part for part in test.signature.split("|") if part.startswith(("bs:", "seed:")))
    change = f"{test.difference:+.2f} against the {test.baseline.value:.2f} of {comparison.baseline}"
    return f"{change}: p = {test.p_value:.4f}, {verdict} at 0.05 (paired bootstrap, {sampling})"


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the translations that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    baselines = {name: directory for name in options.baseline if (directory := named_model(name))}
    files = _text_files(options, baselines)
    _check_options(options, files, baselines)
    texts = _read_all(files)
    directories = [model_directory(model) for model in options.model or []]
    translator = load(directories, options) if directories else None
    language = options.target_language or (translator.engine.config.target_language if translator else "")
    checked_subtag(language)  # raises for an unknown language, before anything is translated
    rivals = {name: load([directory], options) for name, directory in baselines.items()}
    for name, rival in rivals.items():
        check_language(name, rival.engine.config.target_language, language)

    if translator:
        pictures = None
        if options.images:
            pictures = all_pictures(translator, options.images, texts[options.source], options.source)
        hypotheses = translate_lines(translator, texts[options.source], pictures)
    else:
        hypotheses = texts[options.hypothesis]
    if options.output:
        with atomic_file(options.output) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in hypotheses)
    references = [texts[path] for path in options.reference]
    scores = corpus_scores(hypotheses, references, language)
    for sign in signs_of_chance(scores[0]):
        warn(sign)
    comparisons = []
    for name in options.baseline:
        baseline = translate_lines(rivals[name], texts[options.source]) if name in rivals else texts[name]
        comparisons.append(BaselineTests(str(name), _significance(baseline, hypotheses, references, language)))
    evaluation = Evaluation(
        translations=" + ".join(map(str, options.model or [options.hypothesis])),
        search=search_in_words(translator.options) if translator else None,
        beam=getattr(translator.options, "width", None) if translator else None,
        length_penalty=translator.options.length_penalty if translator else None,
        precision=translator.engine.precision if translator else None,
        references=[str(path) for path in options.reference],
        target_language=language,
        lines=len(hypotheses),
        scores=scores,
        comparisons=comparisons,
    )
    print(json.dumps(asdict(evaluation), ensure_ascii=False) if options.json else evaluation)
    return 0


def _significance(
    baseline: Sequence[str], hypotheses: Sequence[str], references: Streams, language: str
) -> list[Significance]:
    """Paired bootstrap tests of the hypotheses against a baseline, in each kind of BLEU."""
    tests = [paired_bootstrap(baseline, hypotheses, references, language)]
    if has_spaces(language):
        tests.append(paired_bootstrap(baseline, hypotheses, references, language, metric="lower_tokenised_bleu"))
    return tests


def named_model(name: Path) -> Path | None:
    """The model directory that is named by its path or as a bundled model; None for the name of a file."""
    if name.is_dir():
        return name
    names = [] if name.exists() else [model.name for model in bundled_models("translation", MODELS)]
    return model_directory(name) if str(name) in names else None


def _text_files(options: argparse.Namespace, baselines: Mapping[Path, Path]) -> list[Path]:
    """All files of text that the arguments name, the first reference first."""
    given = [*options.reference, options.source, options.hypothesis]
    return [path for path in given if path] + [path for path in options.baseline if path not in baselines]


def _check_options(options: argparse.Namespace, files: Sequence[Path], baselines: Mapping[Path, Path]) -> None:
    """Check all that can be checked before a file is read."""
    models = [*(options.model or []), *baselines]
    check(options.source or not models, f"{', '.join(map(str, models))}: a model needs --source, the text to translate")
    check(
        options.model or options.target_language,
        "--hypothesis needs --target-language, such as de: the tokenisation in BLEU depends on it",
    )
    check(not options.images or options.model, "--images needs --model, which sees the pictures; leave it out")
    for path in [*files, *filter(None, [options.images])]:
        check_readable(path)
    if not models:
        given = model_options(options)
        check(
            not given,
            f"{first_few(given)}: for a model that translates, and --hypothesis is a file of translations; leave "
            f"{'it' if len(given) == 1 else 'them'} out",
        )
    if options.output:
        check(options.model, "--output needs --model, whose translations it writes; leave it out")
        check_output(options.output, force=options.force, inputs=files)


def model_options(options: argparse.Namespace) -> list[str]:
    """The options of search and of the machine that are given."""
    parser = Parser()
    add_search_options(parser)
    add_machine_options(parser)
    defaults = vars(parser.parse_args([]))
    given = [name for name, default in defaults.items() if getattr(options, name) != default]
    return [f"--{name.replace('_', '-')}" for name in given]


def check_language(name: Path, found: str, language: str) -> None:
    """Check that a model translates to the language that is scored."""
    check(
        primary_subtag(found) == primary_subtag(language),
        f"{name}: this model translates to {found}, but {language} is scored; choose another model",
    )


def _read_all(files: Iterable[Path]) -> Mapping[Path, Sequence[str]]:
    """The lines of all files; every file must have as many lines as the first one."""
    texts = {path: list(read_lines(path)) for path in dict.fromkeys(files)}
    for path, lines in texts.items():
        for sign in signs_of_other_formats(path, lines):
            warn(sign)
    check_lines(texts)
    return texts


def check_lines(texts: Mapping[Path, Sequence[str]]) -> None:
    """Check that all files have as many lines as the first one, and that this is not empty."""
    first, *others = texts
    check(texts[first], f"{first}: is empty; it must have one reference per line of the source")
    for path in others:
        check(
            len(texts[path]) == len(texts[first]),
            f"{path} has {counted(len(texts[path]), 'line')} but {first} has {len(texts[first]):,}; "
            "line n of all files must belong to the same sentence, blank lines included",
        )


def translate_lines(
    translator: Translator, lines: Sequence[str], pictures: Sequence[Features | None] | None = None
) -> list[str]:
    """The best translation of each line, with the pictures beside them; a terminal shows a progress bar."""
    from tqdm import tqdm

    hypotheses: list[str] = []
    with tqdm(total=len(lines), unit="line", leave=False, disable=None) as bar:
        for first in range(0, len(lines), WINDOW_LINES):  # the windows of `translate`, for the same batches
            window = lines[first : first + WINDOW_LINES]
            places = [(number,) for number in range(first, first + len(window))]
            beside = None if pictures is None else pictures[first : first + len(window)]
            hypotheses += [each.text for each in translator.translate(window, places=places, pictures=beside)]
            bar.update(len(window))
    return hypotheses


def _parser() -> Parser:
    parser = Parser(
        description="Score translations against references: BLEU with its signature, chrF, and lower-cased tokenised "
        "BLEU. The translations are those of a model (--model) or those in a file (--hypothesis).",
    )
    add = parser.add_argument
    add(
        "--reference",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="one or several reference translations of the source, one per line",
    )
    add("--source", type=Path, metavar="FILE", help="the text that the models translate")
    add(
        "--images",
        type=Path,
        metavar="FILE",
        help="the photographs beside the source, for a --model that sees them: line n names that of line n",
    )
    scored = parser.add_mutually_exclusive_group(required=True)
    scored.add_argument(
        "--model",
        type=Path,
        nargs="+",
        action="extend",
        metavar="MODEL",
        help="translate --source with this model: a model directory, or a bundled model (see `s2s models`); several "
        "models form an ensemble",
    )
    scored.add_argument(
        "--hypothesis", type=Path, metavar="FILE", help="score the translations in FILE, one per line, detokenised"
    )
    add(
        "--baseline",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="BASELINE",
        help="test whether the difference from these translations is significant: a file, a model directory, or a "
        "bundled model",
    )
    add(
        "--target-language",
        metavar="LANG",
        help="language of the translations, for the tokenisation in BLEU (default: the model's)",
    )
    add("--output", type=Path, metavar="FILE", help="write the model's translations to FILE")
    add("--force", action="store_true", help="overwrite an existing --output")
    add("--json", action="store_true", help="print the scores as JSON")
    add_search_options(parser)
    add_machine_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

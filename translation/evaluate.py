"""`python -m translation.evaluate`: how good translations are, and whether better than others by more than chance.

    python -m translation.evaluate --model RUN/best --source test.en --reference test.de
    python -m translation.evaluate --hypothesis ours.de --reference test.de --target-language de --baseline theirs.de

A model translates as it does in `translate`, and the lines are scored as in a training's validation, which translates
in the precision of the training. Two kinds of BLEU stand side by side, because published tables hold both and the two
cannot be compared; see `translation.metrics`.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.errors import check
from s2s.files import atomic_file, check_output, check_readable
from s2s.text.languages import checked_subtag, primary_subtag
from s2s.text.lines import WINDOW_LINES, read_lines
from translation.metrics import Score, Significance, Streams, corpus_scores, has_spaces, paired_bootstrap
from translation.translate import load

if TYPE_CHECKING:
    from translation.translator import Translator

MEANING = {
    "BLEU": "cased, detokenised, by sacreBLEU",
    "chrF2": "cased, detokenised: n-grams of characters",
    "lc-tok BLEU": "lower-cased, Moses-tokenised, as in the classic Multi30k tables; not to be compared with BLEU",
}


@dataclass(frozen=True)
class Comparison:
    """The translations against those of a baseline: a paired bootstrap test for each of the two BLEUs."""

    baseline: str
    tests: Sequence[Significance]


@dataclass(frozen=True)
class Evaluation:
    """What is printed, as text or by `--json`. `translations` names the models or the file that was scored."""

    translations: str
    beam: int | None  # None where a file was scored, which may come from anywhere
    length_penalty: float | None
    precision: str | None
    references: Sequence[str]
    target_language: str
    lines: int
    scores: Sequence[Score]
    comparisons: Sequence[Comparison]

    def __str__(self) -> str:
        return "\n".join(self._report())

    def _report(self) -> Iterator[str]:
        search = f" (beam {self.beam}, length penalty {self.length_penalty:g}, {self.precision})" if self.beam else ""
        yield f"{self.translations}{search} against {', '.join(self.references)}: {self.lines:,} lines"
        for score in self.scores:
            yield f"\n{score.name} {score.value:.2f}, {MEANING[score.name]}\n    {score}"
            for comparison in self.comparisons:
                yield from (f"    {_told(test, comparison)}" for test in comparison.tests if test.name == score.name)


def _told(test: Significance, comparison: Comparison) -> str:
    verdict = "significant" if test.p_value < 0.05 else "not significant"
    sampling = "|".join(part for part in test.signature.split("|") if part.startswith(("bs:", "seed:")))
    change = f"{test.difference:+.2f} against the {test.baseline.value:.2f} of {comparison.baseline}"
    return f"{change}: p = {test.p_value:.4f}, {verdict} at 0.05 (paired bootstrap, {sampling})"


def evaluate(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    _check_options(options)
    texts = _read_all(options)
    translator = load(options.model, options) if options.model else None
    language = options.target_language or (translator.model.config.target_language if translator else "")
    checked_subtag(language)  # a mistake in it is told before the translation, not after
    baselines = {path: load([path], options) for path in options.baseline if path not in texts}
    for path, each in baselines.items():
        _check_language(path, each.model.config.target_language, language)

    hypotheses = _translated(translator, texts[options.source]) if translator else texts[options.hypothesis]
    if options.output:
        with atomic_file(options.output) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in hypotheses)
    references = [texts[path] for path in options.reference]
    scores = corpus_scores(hypotheses, references, language)
    comparisons = []
    for path in options.baseline:
        baseline = texts[path] if path in texts else _translated(baselines[path], texts[options.source])
        comparisons.append(Comparison(str(path), _significance(baseline, hypotheses, references, language)))
    evaluation = Evaluation(
        translations=" + ".join(map(str, options.model or [options.hypothesis])),
        beam=options.beam if options.model else None,
        length_penalty=options.length_penalty if options.model else None,
        precision=translator.searches_in if translator else None,
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
    tests = [paired_bootstrap(baseline, hypotheses, references, language)]
    if has_spaces(language):
        tests.append(paired_bootstrap(baseline, hypotheses, references, language, metric="lower_tokenised_bleu"))
    return tests


def _check_options(options: argparse.Namespace) -> None:
    """What does not go together is told before anything is read, and so is an --output that cannot be."""
    models = [*(options.model or []), *filter(Path.is_dir, options.baseline)]
    check(options.source or not models, f"{', '.join(map(str, models))}: a model needs --source, the file to translate")
    check(
        options.model or options.target_language,
        "--hypothesis: give --target-language too, such as de: BLEU has rules for each language",
    )
    for path in _text_files(options):
        check_readable(path)
    if options.output:
        check(options.model, "--output keeps what --model translates; without --model there is nothing to keep")
        check_output(options.output, force=options.force, inputs=_text_files(options))


def _check_language(path: Path, found: str, language: str) -> None:
    check(
        primary_subtag(found) == primary_subtag(language),
        f"{path}: translates to {found}, but {language} is scored: choose another --baseline",
    )


def _text_files(options: argparse.Namespace) -> list[Path]:
    given = [*options.reference, options.source, options.hypothesis]
    return [path for path in given if path] + [path for path in options.baseline if not path.is_dir()]


def _read_all(options: argparse.Namespace) -> Mapping[Path, Sequence[str]]:
    """The lines of all text files, which must be as many in each as in the first reference."""
    texts = {path: list(read_lines(path)) for path in dict.fromkeys(_text_files(options))}
    first, *others = texts
    check(texts[first], f"{first}: is empty; give one line of reference for each line of source")
    for path in others:
        check(
            len(texts[path]) == len(texts[first]),
            f"{path} has {len(texts[path]):,} lines but {first} has {len(texts[first]):,}: "
            "line n of all files must be of the same sentence, blank lines included",
        )
    return texts


def _translated(translator: Translator, lines: Sequence[str]) -> list[str]:
    """The best translation of each line; on a terminal with a bar."""
    from tqdm import tqdm

    hypotheses: list[str] = []
    with tqdm(total=len(lines), unit="line", leave=False, disable=None) as bar:
        for first in range(0, len(lines), WINDOW_LINES):  # as `translate` reads them, so that the batches are the same
            window = lines[first : first + WINDOW_LINES]
            hypotheses += [each.text for each in translator.translate(window)]
            bar.update(len(window))
    return hypotheses


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m translation.evaluate",
        description="Score translations against references: BLEU with its signature, chrF, and lower-cased tokenised "
        "BLEU beside it.",
    )
    add = parser.add_argument
    add("--reference", type=Path, nargs="+", action="extend", required=True, metavar="FILE", help="one, or several")
    add("--source", type=Path, metavar="FILE", help="the lines that a model translates")
    scored = parser.add_mutually_exclusive_group(required=True)
    scored.add_argument(
        "--model",
        type=Path,
        nargs="+",
        action="extend",
        metavar="DIR",
        help="translate --source with it, or with several together: an ensemble",
    )
    scored.add_argument("--hypothesis", type=Path, metavar="FILE", help="translations, detokenised, one a line")
    add(
        "--baseline",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE_OR_DIR",
        help="translations or models to compare with: is the difference more than chance?",
    )
    add("--target-language", metavar="LANG", help="picks BLEU's tokenisers (default: the model's)")
    add("--output", type=Path, metavar="FILE", help="keep the model's translations")
    add("--force", action="store_true", help="replace an existing --output")
    add("--json", action="store_true", help="print one JSON object")
    command.add_search(parser)
    command.add_machine(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

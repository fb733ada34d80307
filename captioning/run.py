"""One run of `caption`: prints captions, writes them into files, and tells what failed and what is doubtful."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from captioning.inputs import Input
from captioning.report import Record, record
from captioning.result_files import ResultFile
from captioning.results import ImageId
from captioning.sidecars import Sidecars
from s2s.cli.doubts import MARK, summary
from s2s.cli.progress_line import ProgressLine
from s2s.decoding.results import FLAT, Caption
from s2s.errors import counted, warn

Draw = Callable[[Input, Record, Caption | None], str]


class Run:
    """Takes the captions of pictures, one by one.

    Args:
        total: how many pictures there are
        files: of results
        ids: how COCO's results call each picture, by its path
        sidecars: None if no side files are written
        draw: adds a picture to the gallery, and returns why that failed, or ""; None without a gallery
        n_best: whether all captions of a picture are written, with their scores
        mark: whether doubtful captions are marked
        advice: what the line about doubtful captions ends with
    """

    def __init__(
        self,
        total: int,
        files: Sequence[ResultFile] = (),
        ids: Mapping[str, ImageId] | None = None,
        sidecars: Sidecars | None = None,
        draw: Draw | None = None,
        *,
        n_best: bool = False,
        mark: bool = False,
        advice: str = "",
    ) -> None:
        self._total, self._files, self._ids, self._sidecars, self._draw = total, files, ids or {}, sidecars, draw
        self._n_best, self._mark, self._advice = n_best, mark, advice
        self._progress = ProgressLine("pictures", total)
        self.captioned = self.recalled = self.failed = self.doubtful = 0

    def take(self, picture: Input, found: Caption) -> None:
        """Print the caption of a picture and write it into all files, or report what is wrong with the picture."""
        entry = record(found, picture.path, self._ids.get(picture.path, picture.path), n_best=self._n_best)
        for file in self._files:
            file.add(entry)
        problem = self._drawn(picture, entry, found)
        if not found.problem:
            self.captioned += 1
            self.doubtful += found.doubtful
            self._progress.clear()
            if FLAT in found.reasons:
                warn(f"{picture.name}: {FLAT}")
            print("\n".join(self._lines(picture, found)), flush=True)
            if self._sidecars:  # at the very end: from now on the picture counts as done
                problem = self._sidecars.write(picture, found.text) or problem
        self._tell(picture, found.problem or problem)

    def recall(self, picture: Input, text: Record) -> None:
        """Pass over a picture that has a side file: only the gallery lacks it."""
        self.recalled += 1
        self._tell(picture, self._drawn(picture, text, None))

    def fail(self, picture: Input, problem: str) -> None:
        """Report a picture that is not captioned."""
        self._tell(picture, problem)

    def _drawn(self, picture: Input, entry: Record, found: Caption | None) -> str:
        return self._draw(picture, entry, found) if self._draw else ""

    def _lines(self, picture: Input, found: Caption) -> list[str]:
        mark = MARK if self._mark and found.doubtful else ""
        name = printable_name(picture.name)
        if not self._n_best:
            return [f"{name}\t{mark}{found.text}"]
        return [f"{name}\t{'' if i else mark}{each.text}\t{each.score:.4f}" for i, each in enumerate(found.n_best)]

    def _tell(self, picture: Input, problem: str) -> None:
        """Report a problem, if there is one, and show how far the run has come."""
        if problem:
            self.failed += 1
            self._progress.clear()
            warn(f"{picture.name}: {problem}")
        self._progress.show(self._done, self.failed)

    @property
    def _done(self) -> int:
        return min(self.captioned + self.recalled + self.failed, self._total)

    def interrupted(self) -> None:
        """Tell how far an interrupted run has come."""
        self._progress.clear()
        if self.captioned and self._done < self._total:
            again = "; the same command goes on from there" if self._sidecars else ""
            print(f"{self.captioned:,} of {counted(self._total, 'picture')} captioned{again}", file=sys.stderr)

    def report(self) -> int:
        """Report how many pictures failed, and how many captions are doubtful; return the exit code."""
        self._progress.clear()
        done = f", marked with {MARK.strip()}" if self._mark else ""
        if doubts := summary(self.doubtful, self.captioned, "captions", done + self._advice):
            print(doubts, file=sys.stderr)
        if self.failed:
            warn(f"{self.failed:,} of {counted(self._total, 'picture')} failed; see above for the reasons")
        return 1 if self.failed else 0


def printable_name(name: str) -> str:
    r"""A name as one column of one line: control characters are written as `\n`, `\t` and their like.

    A backslash is doubled. Bytes that are not UTF-8 stay as they are.
    """
    return "".join(_printable(letter) for letter in name)


def _printable(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    surrogate = "\udc80" <= letter <= "\udcff"
    return letter if letter.isprintable() or surrogate else letter.encode("unicode_escape").decode()

"""METEOR and SPICE, which exist in Java only: out of the optional package pycocoevalcap, each guarded for itself.

    pip install 's2s-attention[java]'

Either can be missing, hang or die without costing the other, or any figure computed here: it then raises
`UnavailableError`, whose message says why. The programs are run directly, because pycocoevalcap's own wrappers wait for
ever, trust the machine's locale, lose step at a newline within a caption, and download without being asked.

A round is one caption for each picture and the references to score them against; all rounds of one call share a
process, because METEOR alone takes seconds to start, and SPICE longer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from s2s.extras import installation
from s2s.text.languages import ENGLISH, primary_subtag

Words = Sequence[str]


class UnavailableError(Exception):
    """Why a metric has no figure: one line that says what is missing and how to get it."""


@dataclass(frozen=True)
class Round:
    """One tokenised caption of each picture, and the tokenised references of each."""

    captions: Sequence[Words]
    references: Sequence[Sequence[Words]]


# What METEOR knows of languages: of English all; of these function words and a stemmer, but pycocoevalcap lacks their
# paraphrases, and synonyms are English.
_STEMMED = ("de", "es", "fr", "ru")
_NO_PARAPHRASES = ("-m", "exact stem")


def meteor(rounds: Sequence[Round], language: str = ENGLISH, *, patience: float = 300.0) -> list[float]:
    """METEOR 1.5 (Denkowski & Lavie, 2014) of each round, 0 to 1; `patience` is how many seconds an answer may take.

    Of German, Spanish, French and Russian it counts equal words and equal stems only.
    """
    code = primary_subtag(language)
    if code not in (ENGLISH, *_STEMMED):
        raise UnavailableError(f"METEOR is for captions in en, {', '.join(_STEMMED)}, and these are in {language}")
    jar = _package() / "meteor" / "meteor-1.5.jar"
    command = [_java(), "-Xmx2G", *_PLAIN_ENGLISH, "-jar", str(jar), "-", "-", "-stdio", "-l", code, "-norm"]
    command += [] if code == ENGLISH else _NO_PARAPHRASES
    with _Program("METEOR", command, patience) as program:
        return [_meteor(program, one) for one in rounds]


def spice(rounds: Sequence[Round], language: str = ENGLISH, *, patience: float = 7200.0) -> list[float]:
    """SPICE 1.0 (Anderson et al., 2016) of each round, 0 to 1; `patience` is how many seconds all may take."""
    if primary_subtag(language) != ENGLISH:
        raise UnavailableError(f"SPICE parses English, and these captions are in {language}")
    folder = _package() / "spice"
    models = [folder / "lib" / f"stanford-corenlp-3.6.0{part}.jar" for part in ("", "-models")]
    if not all(model.is_file() for model in models):
        raise UnavailableError(
            "SPICE needs Stanford CoreNLP 3.6.0, a download of 384 MB that is never made unasked: "
            "run python -m pycocoevalcap.spice.get_stanford_models"
        )
    java = _java()
    with tempfile.TemporaryDirectory() as scratch:
        asked, answered = Path(scratch, "captions.json"), Path(scratch, "scores.json")
        pairs = [pair for one in rounds for pair in zip(one.captions, one.references)]
        asked.write_text(
            json.dumps(
                [
                    {"image_id": number, "test": _line(words), "refs": [_line(reference) for reference in references]}
                    for number, (words, references) in enumerate(pairs)
                ]
            ),
            encoding="utf-8",
        )
        cache = ["-cache", f"{scratch}/cache"]  # the references of one round are those of the next
        command = [java, "-Xmx8G", *_PLAIN_ENGLISH, "-jar", str(folder / "spice-1.0.jar"), str(asked), *cache]
        Path(scratch, "cache").mkdir()
        _run("SPICE", [*command, "-out", str(answered), "-subset", "-silent"], folder, patience)
        return _means(_read_spice(answered, len(pairs)), rounds)


def _meteor(program: _Program, one: Round) -> float:
    """Statistics of each caption, asked one by one, then the score of all of them together."""
    statistics = [
        program.ask(" ||| ".join(["SCORE", *map(_line, references), _line(words)]))
        for words, references in zip(one.captions, one.references)
    ]
    answers = program.ask(" ||| ".join(["EVAL", *statistics]), lines=len(statistics) + 1)
    return program.number(answers.splitlines()[-1])  # the last line is of the corpus, those before of each caption


def _read_spice(path: Path, count: int) -> list[float]:
    """F-scores in the order of the pairs; NaN where SPICE has none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = {item["image_id"]: float("nan" if (f := item["scores"]["All"]["f"]) is None else f) for item in found}
        return [scores[number] for number in range(count)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"SPICE ended without the scores of all captions ({error!r})") from error


def _means(scores: list[float], rounds: Sequence[Round]) -> list[float]:
    rest = iter(scores)
    return [sum(next(rest) for _ in one.captions) / len(one.captions) for one in rounds]


# Numbers with a decimal point and text in UTF-8, whatever the machine's locale is.
_PLAIN_ENGLISH = ("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-Duser.language=en", "-Duser.country=US")
# Java 9 and later hide what SPICE's storage reads; Java 8 does not know the option, and does not read this variable.
_OPEN = " ".join(f"--add-opens=java.base/java.{part}=ALL-UNNAMED" for part in ("lang", "math", "net", "nio", "util"))


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "JDK_JAVA_OPTIONS": f"{os.environ.get('JDK_JAVA_OPTIONS', '')} {_OPEN}"}


class _Program:
    """A program that answers each line with so many lines, and is gone when the block ends."""

    def __init__(self, name: str, command: Sequence[str], patience: float) -> None:
        self._name, self._command, self._patience = name, command, patience

    def __enter__(self) -> _Program:
        self._complaints: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=_environment(),
            )
        except OSError as error:
            self._complaints.close()
            raise UnavailableError(f"{self._name}: {self._command[0]} cannot be run: {error.strerror}") from error
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # by what was still to be written, to a program that died
                stream.close()
        self._complaints.close()

    def ask(self, line: str, lines: int = 1) -> str:
        """The answer, so many lines; UnavailableError where the program is silent for too long, or dead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._hurried() as late:
            try:
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()
                answer = [self._process.stdout.readline() for _ in range(lines)]
            except BrokenPipeError:
                answer = [b""]
        if late.is_set():
            raise UnavailableError(f"{self._name} was silent for {self._patience:g} seconds and was ended")
        if not answer[-1].endswith(b"\n"):
            self._complaints.seek(0)
            raise UnavailableError(f"{self._name} died: {_last_line(self._complaints.read())}")
        return b"".join(answer).decode(errors="replace").strip()

    def number(self, text: str) -> float:
        """The answer as a number."""
        try:
            return float(text)
        except ValueError as error:
            raise UnavailableError(f"{self._name} answered {text[:80]!r} instead of a number") from error

    @contextmanager
    def _hurried(self) -> Iterator[threading.Event]:
        """End the program when its patience is over: nothing then waits for it, be it in reading or in writing."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(self._patience, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()


def _run(name: str, command: Sequence[str], folder: Path, patience: float) -> None:
    """A program that is told all at its start."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=patience
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{name} did not end within {patience:g} seconds and was ended") from error
    except OSError as error:
        raise UnavailableError(f"{name}: {command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise UnavailableError(f"{name} died with exit code {done.returncode}: {_last_line(done.stderr)}")


def _package() -> Path:
    """The folder of pycocoevalcap, which is not imported: it has no `__init__`, and its modules start programs."""
    found = find_spec("pycocoevalcap")
    if found is None or not found.submodule_search_locations:
        raise UnavailableError(f"pycocoevalcap is not installed; {installation('java')}")
    return Path(next(iter(found.submodule_search_locations)))


def _java() -> str:
    found = shutil.which("java")
    if found is None:
        raise UnavailableError("there is no java on the PATH: install a Java runtime, version 8 or later")
    return found


def _line(words: Words) -> str:
    """One line without the mark that separates captions: METEOR would take the rest for another caption."""
    return " ".join(" ".join(words).replace("|||", " ").split())


def _last_line(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"

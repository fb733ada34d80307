"""METEOR and SPICE are asked as they want to be, and each that is missing, hangs or dies says why.

Java here is a script that answers as METEOR does, so that these tests run anywhere. The one with the real METEOR takes
a minute and runs where S2S_JAVA is set.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from captioning.metrics import java
from captioning.metrics.java import Round, UnavailableError, meteor, spice

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "caption_golden.json").read_text("utf-8"))
ROUND = Round([["a", "dog"], ["two", "cats"]], [[["a", "dog"], ["the", "dog"]], [["cats"]]])

# METEOR's side of the talk: a line of statistics for each caption; then the score of each, and that of all.
# Here the statistics are the number of parts, and the score is their mean.
METEOR = """
for line in sys.stdin:
    log.write(line)
    log.flush()
    command, *parts = line.rstrip("\\n").split(" ||| ")
    if command == "SCORE":
        print(len(parts), flush=True)
    else:
        numbers = [float(part) for part in parts]
        print(*numbers, sum(numbers) / len(numbers), sep="\\n", flush=True)
"""
# SPICE's: reads one file, writes another.
SPICE = """
arguments = sys.argv[1:]
asked = json.load(open(next(each for each in arguments if each.endswith("captions.json"))))
log.write(json.dumps(asked))
scores = [{"image_id": pair["image_id"], "scores": {"All": {"f": 0.25 * len(pair["refs"])}}} for pair in asked]
json.dump(scores[::-1], open(arguments[arguments.index("-out") + 1], "w"))
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script in the place of java, beside a package that has all its files; what it is told is in the log."""

    def install(script: str) -> Path:
        package, log = tmp_path / "pycocoevalcap", tmp_path / "log"
        (package / "meteor").mkdir(parents=True, exist_ok=True)
        (package / "spice" / "lib").mkdir(parents=True, exist_ok=True)
        for part in ("", "-models"):
            (package / "spice" / "lib" / f"stanford-corenlp-3.6.0{part}.jar").touch()
        program = tmp_path / "java"
        program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\nlog = open({str(log)!r}, 'a')\n{script}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(java, "_package", lambda: package)
        return log

    return install


def test_meteor_is_asked_for_each_caption_and_then_for_all(install: Callable[[str], Path]) -> None:
    log = install(METEOR)
    assert meteor([ROUND, ROUND]) == [2.5, 2.5]
    asked = ["SCORE ||| a dog ||| the dog ||| a dog", "SCORE ||| cats ||| two cats", "EVAL ||| 3 ||| 2"]
    assert log.read_text().splitlines() == asked * 2


@pytest.mark.parametrize(
    ("language", "options"), [("en-US", ["en", "-norm"]), ("de", ["de", "-norm", "-m", "exact stem"])]
)
def test_meteor_is_told_the_language(language: str, options: list[str], install: Callable[[str], Path]) -> None:
    log = install("log.write(json.dumps(sys.argv) + chr(10))\n" + METEOR)
    meteor([ROUND], language)
    arguments = json.loads(log.read_text().splitlines()[0])
    assert arguments[arguments.index("-l") + 1 :] == options


def test_metrics_that_do_not_know_a_language_say_so() -> None:
    with pytest.raises(UnavailableError, match="METEOR is for captions in en, de, es, fr, ru, and these are in fi"):
        meteor([ROUND], "fi")
    with pytest.raises(UnavailableError, match="SPICE parses English, and these captions are in de"):
        spice([ROUND], "de")


def test_nothing_in_a_caption_makes_meteor_lose_step(install: Callable[[str], Path]) -> None:
    log = install(METEOR)
    captions = [["a\ndog"], ["a", "|||", "b"], ["x|||y"], ["é\u2028ü", "日本"], []]
    assert meteor([Round(captions, [[["c"]]] * 5)]) == [2]
    asked = log.read_text(encoding="utf-8").split("\n")
    assert asked[:5] == [f"SCORE ||| c ||| {text}" for text in ("a dog", "a b", "x y", "é ü 日本", "")]


def test_meteor_runs_in_plain_english(install: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    log = install("log.write(f'{os.environ[\"LC_ALL\"]} {sys.argv}\\n'); log.flush()" + METEOR)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    meteor([ROUND])
    first = log.read_text().splitlines()[0]
    assert first.startswith("C.UTF-8")
    assert "-Duser.language=en" in first


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("time.sleep(60)", "silent for 0.5 seconds"),
        ("sys.stdin.readline(); print(1, flush=True); time.sleep(60)", "silent for 0.5 seconds"),
        ("sys.stderr.write('warning\\nno memory left\\n'); sys.exit(1)", "died: no memory left"),
        ("sys.exit(0)", "died: it said nothing"),
        ("sys.stdin.readline(); sys.stdout.write('0.5'); sys.exit(0)", "died"),
        ("while sys.stdin.readline(): print('Error\\n' * 3, flush=True)", "answered 'Error' instead of a number"),
    ],
)
def test_a_meteor_that_fails_says_how_and_is_gone(install: Callable[[str], Path], script: str, reason: str) -> None:
    log = install("log.write(f'{os.getpid()}'); log.flush()\n" + script)
    patience = 0.5 if "silent" in reason else 60
    before = time.monotonic()
    with pytest.raises(UnavailableError, match=reason):
        meteor([ROUND], patience=patience)
    assert time.monotonic() - before < 30  # it did not wait for the sleeper
    if process := log.read_text():
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)


def test_a_meteor_that_stops_reading_is_not_waited_for(install: Callable[[str], Path]) -> None:
    install("time.sleep(60)")
    long = Round([["word"] * 100_000], [[["word"]]])  # more than a pipe holds
    with pytest.raises(UnavailableError, match="silent"):
        meteor([long], patience=0.5)


def test_spice_gives_the_mean_of_each_round(install: Callable[[str], Path]) -> None:
    log = install(SPICE)
    assert spice([ROUND, Round([["a"]], [[["b"], ["c"], ["d"]]])]) == [0.375, 0.75]
    assert json.loads(log.read_text())[0] == {"image_id": 0, "test": "a dog", "refs": ["a dog", "the dog"]}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("time.sleep(60)", "did not end within 0.5 seconds"),
        ("sys.stderr.write('Exception\\nInaccessibleObject\\n'); sys.exit(1)", "exit code 1: InaccessibleObject"),
        ("sys.exit(0)", "ended without the scores"),
        ("open(sys.argv[sys.argv.index('-out') + 1], 'w').write('[]')", "ended without the scores"),
    ],
)
def test_a_spice_that_fails_says_how(install: Callable[[str], Path], script: str, reason: str) -> None:
    install(script)
    with pytest.raises(UnavailableError, match=reason):
        spice([ROUND], patience=0.5 if "within" in reason else 60)


def test_spice_never_downloads_its_models_unasked(install: Callable[[str], Path], tmp_path: Path) -> None:
    log = install(SPICE)
    (tmp_path / "pycocoevalcap" / "spice" / "lib" / "stanford-corenlp-3.6.0-models.jar").unlink()
    with pytest.raises(UnavailableError, match=r"384 MB.*get_stanford_models"):
        spice([ROUND])
    assert not log.exists()


@pytest.mark.parametrize("metric", [meteor, spice])
def test_without_java_both_say_so(
    install: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, metric: Any
) -> None:
    install("")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match="no java on the PATH"):
        metric([ROUND])


@pytest.mark.parametrize("metric", [meteor, spice])
def test_without_the_package_both_say_what_to_install(monkeypatch: pytest.MonkeyPatch, metric: Any) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r'attention\[java\]" \(in a clone: .* uv run --extra java\)'):
        metric([ROUND])


def test_a_java_that_cannot_be_run_is_named(install: Callable[[str], Path], tmp_path: Path) -> None:
    install("")
    (tmp_path / "java").write_text("#!/no/such/interpreter\n")
    with pytest.raises(UnavailableError, match="cannot be run"):
        meteor([ROUND])
    with pytest.raises(UnavailableError, match="cannot be run"):
        spice([ROUND])


@pytest.mark.skipif("S2S_JAVA" not in os.environ, reason="takes a minute: set S2S_JAVA to run the real METEOR")
def test_the_real_meteor_gives_what_pycocoevalcap_gives() -> None:
    said = [caption.split() for caption in GOLDEN["captions"].values()]
    known = [[caption.split() for caption in captions] for captions in GOLDEN["tokenised"].values()]
    uneven = [captions[: 1 + number % 5] for number, captions in enumerate(known)]
    expected = [GOLDEN["scores"]["meteor"], GOLDEN["uneven_scores"]["meteor"]]
    assert meteor([Round(said, known), Round(said, uneven)]) == pytest.approx(expected, abs=1e-12)

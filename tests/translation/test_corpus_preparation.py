"""Preparing a corpus: the same pairs and vocabularies as in memory; interruptions, changes and damage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prepared_corpus_fixtures import NOUNS, lines, prepared, recipe_of, recipe_table, write_text

from s2s import config
from s2s.cli import command
from s2s.errors import UserError
from s2s.text.tokens import UNKNOWN_CHARACTER
from translation import corpus_cleaning, corpus_encoding, corpus_preparation, corpus_sampling
from translation.corpus_preparation import prepare_corpus
from translation.prepare import prepare_pairs
from translation.prepared_corpus import PreparedCorpus, fill_in, read_corpus
from translation.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def small_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(corpus_cleaning, "PART", 128)


def texts(corpus: PreparedCorpus) -> list[tuple[str, str]]:
    sequences = corpus.read([(0, 0), *_whole_shards(corpus)])
    rows = [sequences.pair(row) for row in range(len(sequences))]
    return [(corpus.source.decode(source), corpus.target.decode(target)) for source, target in rows]


def _whole_shards(corpus: PreparedCorpus) -> list[tuple[int, int]]:
    ends = np.cumsum([shard.pairs for shard in corpus.shards])
    return [(int(end) - shard.pairs, int(end)) for shard, end in zip(corpus.shards, ends)]


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_it_has_the_pairs_vocabulary_and_figures_of_training_in_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_text(tmp_path)
    (tmp_path / "plain.en").write_text("A dog.\n\nA  cat. \nA dog.\n \u200bThe &amp; sign\n")
    (tmp_path / "plain.de").write_text("Ein Hund.\nx\nEin Kater.\nEin Hund.\nDas Zeichen\n")
    data = {"train_source": [str(tmp_path / "plain.en")], "train_target": [str(tmp_path / "plain.de")]}
    recipe = recipe_of(tmp_path, data=data)
    prepare_corpus(recipe, tmp_path / "corpus", 1)
    capsys.readouterr()
    corpus = read_corpus(recipe_of(tmp_path, data={**data, "prepared": str(tmp_path / "corpus")}))
    told = capsys.readouterr().err.splitlines()
    pairs = prepare_pairs(recipe)
    assert capsys.readouterr().err.splitlines() == told  # all reports are the same
    assert texts(corpus) == list(zip(pairs.train.source, pairs.train.target))
    assert corpus.source.to_bytes() == pairs.source.to_bytes()
    assert corpus.longest_source == pairs.longest_source
    assert corpus.length_ratio == pytest.approx(pairs.length_ratio, abs=0.01)
    assert corpus.rare_characters(5) == pairs.rare_characters(5)
    assert [corpus.line(pair)[1] for pair in range(len(pairs.train))] == list(pairs.train.lines)
    assert [corpus.line(pair)[0] for pair in (0, 2, 3, len(pairs.train) - 1)] == [0, 0, 1, 2]


def test_duplicates_are_found_in_all_parts_of_a_corpus_and_not_between_corpora(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = [*lines(100), *lines(90)]
    for name in ("one", "two"):
        for language, side in (("en", 0), ("de", 1)):
            (tmp_path / f"{name}.{language}").write_text("".join(f"{pair[side]}\n" for pair in text))
    write_text(tmp_path)
    corpora = [{"source": str(tmp_path / f"{n}.en"), "target": str(tmp_path / f"{n}.de")} for n in ("one", "two")]
    index = prepare_corpus(recipe_of(tmp_path, data={"corpora": corpora}), tmp_path / "corpus", 2)
    assert index["pairs"] == 200
    assert capsys.readouterr().err.count("duplicate 90 (lines 101, 102, 103, ...)") == 2
    keep = recipe_of(tmp_path, data={"corpora": corpora}, cleaning={"keep_duplicates": True})
    assert prepare_corpus(keep, tmp_path / "kept", 1)["pairs"] == 380


@pytest.mark.parametrize("interrupted", [1, 3, 4, 6, 8])
def test_an_interrupted_preparation_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: int
) -> None:
    """After so many parts were cleaned, then encoded; the result is that without an interruption, byte for byte."""
    write_text(tmp_path)
    prepare_corpus(recipe_of(tmp_path), tmp_path / "whole", 1)
    done = list[str]()

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(folder: Path, name: str, *rest: Any) -> Any:
            if len(done) == interrupted:
                raise KeyboardInterrupt
            done.append(name)
            return function(folder, name, *rest)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(corpus_cleaning, "_clean_part", counting(corpus_cleaning._clean_part))
        patch.setattr(corpus_preparation, "encode_part", counting(corpus_encoding.encode_part))
        if interrupted < 8:
            with pytest.raises(KeyboardInterrupt):
                prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
        else:
            prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    if len(done) < 4:  # nothing that was done is done again
        monkeypatch.setattr(corpus_cleaning, "_clean_part", _but(corpus_cleaning._clean_part, done))
    prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    assert files_of(tmp_path / "corpus") == files_of(tmp_path / "whole")
    prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)  # done before
    assert files_of(tmp_path / "corpus") == files_of(tmp_path / "whole")


@pytest.mark.parametrize("stage", ["cleaned", "encoded"])
@pytest.mark.parametrize("suffix", ["text", "lines.npy", "tokens.npy", "STAGE"])
def test_parts_that_a_crash_left_empty_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, suffix: str
) -> None:
    write_text(tmp_path)
    prepare_corpus(recipe_of(tmp_path), tmp_path / "whole", 1)
    with monkeypatch.context() as patch:
        patch.setattr(corpus_preparation, "_vocabularies" if stage == "cleaned" else "_finish", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    victim = tmp_path / "corpus" / "shards" / f"000-000001.{suffix.replace('STAGE', stage)}"
    if victim.exists():
        victim.write_bytes(b"")
    prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    assert files_of(tmp_path / "corpus") == files_of(tmp_path / "whole")


def _interrupt(*arguments: Any) -> None:
    raise KeyboardInterrupt


def _but(function: Callable[..., Any], done: list[str]) -> Callable[..., Any]:
    def checked(folder: Path, name: str, *rest: Any) -> Any:
        assert name not in done
        return function(folder, name, *rest)

    return checked


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_a_preparation_that_is_killed_leaves_no_process_and_goes_on(tmp_path: Path) -> None:
    """With two processes, which the small parts keep busy."""
    write_text(tmp_path, 3000)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(config.to_toml(recipe_of(tmp_path)))
    script = (
        "import sys; from translation import corpus_cleaning; corpus_cleaning.PART = 64\n"
        "from data_prep.corpus import corpus\nfrom s2s.cli import command\n"
        "if __name__ == '__main__': sys.exit(command.run(corpus))\n"
    )
    (tmp_path / "prepare.py").write_text(script)
    arguments = [str(recipe), "--output", str(tmp_path / "corpus"), "--processes", "2"]
    started = [sys.executable, str(tmp_path / "prepare.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(started, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list((tmp_path / "corpus").glob("shards/*.cleaned")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    ends = time.monotonic() + 60
    while (left := _in_session(process.pid)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not left
    assert not (tmp_path / "corpus" / "index.json").exists()
    done = subprocess.run(started, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert '"pairs": 4000' in done.stdout


def _in_session(session: int) -> list[str]:
    """The processes of a session that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(status.parent.name)
    return found


def test_changed_text_and_other_recipes_are_refused(tmp_path: Path) -> None:
    write_text(tmp_path)
    output = tmp_path / "corpus"
    prepare_corpus(recipe_of(tmp_path), output, 1)
    with pytest.raises(UserError, match=r"was begun with another recipe, which differs in vocabulary\.size; restore"):
        prepare_corpus(recipe_of(tmp_path, vocabulary={"size": 99}), output, 1)
    write_text(tmp_path, 301)
    with pytest.raises(UserError, match=r"train\.en\.zst: has changed since the preparation in .* was begun"):
        prepare_corpus(recipe_of(tmp_path), output, 1)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    write_text(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(UserError, match=r"mine: is not empty \(it holds thesis\.txt\); name a new folder"):
        prepare_corpus(recipe_of(tmp_path), tmp_path / "mine", 1)
    with pytest.raises(UserError, match=r"val\.en: is a file; name a folder for the corpus"):
        prepare_corpus(recipe_of(tmp_path), tmp_path / "val.en", 1)
    with (
        corpus_preparation._locked(tmp_path / "mine"),
        pytest.raises(UserError, match="another process is preparing it"),
        corpus_preparation._locked(tmp_path / "mine"),
    ):
        pass


def test_text_that_cannot_be_prepared_is_told_before_the_work(tmp_path: Path) -> None:
    write_text(tmp_path)
    (tmp_path / "train.de.zst").write_bytes((tmp_path / "train.de.zst").read_bytes()[:-5])
    with pytest.raises(UserError, match=r"train\.de\.zst: this Zstandard file is cut off"):
        prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    write_text(tmp_path)
    shutil.copy(tmp_path / "val.de", tmp_path / "train.de.zst")
    with pytest.raises(UserError, match=r"train\.en\.zst has 300 lines but .*train\.de\.zst has 8: line n of one"):
        prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)
    write_text(tmp_path)
    with pytest.raises(UserError, match=r"nothing is left to train on: .*too long 300"):
        prepare_corpus(recipe_of(tmp_path, cleaning={"max_characters": 3}), tmp_path / "short", 1)


def test_damaged_corpora_are_not_trained_on(tmp_path: Path) -> None:
    recipe = prepared(tmp_path)
    shard = tmp_path / "corpus" / "shards" / "000-000001.tokens.npy"
    good = shard.read_bytes()
    shard.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
    with pytest.raises(UserError, match=r"000-000001\.tokens\.npy: is damaged, truncated or edited"):
        read_corpus(recipe)
    shard.unlink()
    with pytest.raises(UserError, match=r"000-000001\.tokens\.npy: is missing"):
        read_corpus(recipe)
    shard.write_bytes(good)
    index = tmp_path / "corpus" / "index.json"
    text = index.read_text()
    index.write_text(text.replace('"pairs": 128', '"pairs": 129'))
    with pytest.raises(UserError, match=r"index\.json: is damaged, truncated or edited"):
        read_corpus(recipe)
    index.write_text(text)
    vocabulary = tmp_path / "corpus" / "target.vocabulary"
    vocabulary.write_bytes(vocabulary.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"target\.vocabulary: is damaged"):
        read_corpus(recipe)
    index.rename(tmp_path / "corpus" / "preparation.json")
    with pytest.raises(UserError, match="its preparation was interrupted: run `s2s prepare corpus RECIPE --output"):
        read_corpus(recipe)
    with pytest.raises(UserError, match=r"is not a prepared corpus \(it has no index\.json\); make one with"):
        read_corpus(recipe_of(tmp_path, data={"prepared": str(tmp_path)}))


@pytest.mark.parametrize("name", ["target.vocabulary", "shards/000-000001.tokens.npy"])
@pytest.mark.parametrize("missing", [False, True], ids=["damaged", "missing"])
def test_what_is_damaged_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, missing: bool
) -> None:
    recipe = prepared(tmp_path)
    output = tmp_path / "corpus"
    before, path = files_of(output), output / name
    if missing:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    prepare_corpus(recipe_of(tmp_path), output, 1)
    assert "; the whole corpus is made again" in capsys.readouterr().err
    assert files_of(output) == before
    read_corpus(recipe)


def test_a_damaged_index_is_told_with_what_to_do(tmp_path: Path) -> None:
    prepared(tmp_path)
    index = tmp_path / "corpus" / "index.json"
    index.write_bytes(index.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"index\.json: .*; or delete .*corpus and prepare it again"):
        prepare_corpus(recipe_of(tmp_path), tmp_path / "corpus", 1)


def test_other_languages_and_validation_text_are_refused(tmp_path: Path) -> None:
    recipe = prepared(tmp_path)
    data = replace(recipe.data, source_language="fr", validation_source=recipe.data.validation_target)
    with pytest.raises(UserError, match=r"differs in data\.source_language, data\.validation_source: leave these"):
        read_corpus(replace(recipe, data=data))


def test_a_recipe_may_leave_out_what_the_corpus_knows(tmp_path: Path) -> None:
    recipe = prepared(tmp_path, cleaning={"max_ratio": 5.0}, vocabulary={"kind": "character", "threshold": 3})
    table: dict[str, Any] = {"data": {"prepared": str(tmp_path / "corpus")}, "batch": {"tokens": 100}}
    fill_in(table)
    filled = config.from_dict(Recipe, table)
    assert filled.data == recipe.data
    assert filled.cleaning == recipe.cleaning
    assert (filled.vocabulary.kind, filled.vocabulary.threshold) == ("character", 3)
    assert read_corpus(filled).key == read_corpus(recipe).key


def test_a_recipe_may_weigh_the_corpora_otherwise_but_not_name_others(tmp_path: Path) -> None:
    prepared(tmp_path)
    table = recipe_table(tmp_path, data={"prepared": str(tmp_path / "corpus"), "temperature": 2.0})
    table["data"]["corpora"][1]["weight"] = 3.0
    assert read_corpus(config.from_dict(Recipe, table)).lines == 400
    del table["data"]["corpora"][1]
    table["cleaning"] = {"max_ratio": 4.0}
    with pytest.raises(UserError, match=r"by another recipe, which differs in data\.corpora, cleaning\.max_ratio:"):
        read_corpus(config.from_dict(Recipe, table))


def test_text_that_has_changed_since_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = prepared(tmp_path)
    with (tmp_path / "more.tsv.gz").open("ab") as file:
        file.write(b"\0")
    (tmp_path / "train.en.zst").unlink()  # the text need not be there
    read_corpus(recipe)
    told = capsys.readouterr().err
    assert f"warning: {tmp_path / 'more.tsv.gz'}: may have changed since" in told
    assert "train.en.zst: may" not in told


def test_validation_pairs_that_are_trained_on_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = prepared(tmp_path)
    for language, side in (("en", 0), ("de", 1)):
        (tmp_path / f"val.{language}").write_text("".join(f"{pair[side]}\n" for pair in lines(4, first=298)))
    read_corpus(recipe)
    assert "2 of 4 pairs stand in the training text too" in capsys.readouterr().err


def test_a_large_text_gives_a_sample_for_its_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_sampling, "SAMPLE", 100)
    write_text(tmp_path)
    recipe = recipe_of(tmp_path, vocabulary={"kind": "character", "size": 120})
    names = [corpus_cleaning.part_names(0, 300, 64), corpus_cleaning.part_names(1, 100, 64)]
    (tmp_path / "parts").mkdir()
    for number, corpus in enumerate(recipe.data.training):
        corpus_cleaning.clean_corpus(tmp_path / "parts", number, corpus, recipe.cleaning, 64)
    first, second = corpus_sampling.sample_corpora(tmp_path / "parts", recipe, names)
    assert (len(first), len(second)) == (75, 25)
    assert set(zip(first.source, first.target)) < set(lines(300))
    monkeypatch.setattr(corpus_sampling, "SAMPLE", 10_000)
    table = recipe_table(tmp_path)
    table["data"]["corpora"][1]["weight"] = 2.5
    weighted = config.from_dict(Recipe, table)
    first, second = corpus_sampling.sample_corpora(tmp_path / "parts", weighted, names)
    assert (len(first), len(second), len(set(second.source))) == (300, 250, 100)


def test_the_vocabulary_of_a_model_in_start_is_used(tmp_path: Path) -> None:
    recipe = prepared(tmp_path)
    known = read_corpus(recipe).source
    other = recipe_of(tmp_path, cleaning={"max_ratio": 5.0})
    prepare_corpus(other, tmp_path / "other", 1, (known, known))
    data = {"prepared": str(tmp_path / "other")}
    trained = recipe_of(tmp_path, cleaning={"max_ratio": 5.0}, data=data)
    assert read_corpus(trained, (known, known)).target.to_bytes() == known.to_bytes()
    write_text(tmp_path / "small", 40)
    different = read_corpus(prepared(tmp_path / "small", vocabulary={"size": 90})).source
    with pytest.raises(UserError, match="was not prepared with the vocabulary of the model in start"):
        read_corpus(trained, (different, different))


def test_unknown_text_keeps_its_tokens_when_it_is_decoded_and_encoded(tmp_path: Path) -> None:
    """So that augmentation may change the text of stored tokens."""
    vocabulary = read_corpus(prepared(tmp_path)).source
    for text in (f"The {NOUNS[0][0]} ñ 日本, ☂☂ x", "日", "a ñ", "ñña  ñ "):
        ids = vocabulary.encode(text)
        assert vocabulary.encode(vocabulary.decode(ids, unknown=UNKNOWN_CHARACTER)) == ids


def test_the_command_prints_what_it_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from data_prep.corpus import corpus

    monkeypatch.setattr("sys.argv", ["s2s prepare corpus"])
    write_text(tmp_path)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(config.to_toml(recipe_of(tmp_path)))
    # A recipe that names the folder already is the same recipe.
    arguments = [str(recipe), "--output", str(tmp_path / "corpus"), "--set", f"data.prepared={tmp_path / 'corpus'}"]
    assert command.run(corpus, [*arguments, "--processes", "1"]) == 0
    assert '"pairs": 400, "tokens": ' in capsys.readouterr().out
    assert command.run(corpus, [str(recipe)]) == 2
    assert command.run(corpus, [str(tmp_path / "none.toml"), "--output", str(tmp_path / "corpus")]) == 2
    assert "none.toml: no such file" in capsys.readouterr().err
    recipe.write_text('[data]\ntrain = "captions.csv"\nvalidation = "more.csv"\n')
    assert command.run(corpus, [str(recipe), "--output", str(tmp_path / "other")]) == 2
    assert f"error: {recipe}: is not a recipe of translation: it has data.train, and" in capsys.readouterr().err

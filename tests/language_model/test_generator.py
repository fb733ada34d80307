"""The generator: seeds, lengths, ends, and pieces that make up the text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from language_fixtures import tiny_language_model
from light_fixtures import S2S, run_light

from language_model.corpus import Text
from language_model.export import LanguageModelExporter
from language_model.generator import Generator, Sample
from language_model.scoring import score_stream
from s2s.decoding.search import SamplingOptions
from s2s.errors import UserError
from s2s.export.exporting import export
from s2s.text.tokens import END

KINDS = ["character", "word", "bpe"]
SEEDED = SamplingOptions(seed=3)


def generator_of(kind: str = "character") -> Generator:
    return Generator(tiny_language_model(kind).engine("float32"))


def texts(samples: list[Sample]) -> list[str]:
    return [each.text for each in samples]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_depends_on_its_number_and_the_seed_alone(kind: str) -> None:
    generator = generator_of(kind)
    many = texts(generator.sample("Two dogs ", n=5, length=30, options=SEEDED))
    assert texts(generator.sample("Two dogs ", n=2, length=30, options=SEEDED)) == many[:2]
    assert texts(generator.sample("Two dogs ", n=5, length=30, options=replace(SEEDED, seed=4))) != many
    assert len({*many}) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_pieces_make_up_the_text(kind: str) -> None:
    pieces = ["", "", ""]

    def follow(number: int, text: str) -> None:
        pieces[number] += text

    samples = generator_of(kind).sample("A man\n", n=3, length=40, options=SEEDED, follow=follow)
    assert pieces == texts(samples)
    assert all(sample.tokens == 40 for sample in samples)
    assert not any(text.startswith(" ") for text in pieces if kind != "character")


def test_a_word_after_words_begins_with_a_space() -> None:
    (sample,) = generator_of("word").sample("A man", length=1, options=SamplingOptions(top_k=1))
    assert sample.text.startswith((" ", "\n"))


@pytest.mark.parametrize("kind", ["character", "word"])
def test_the_log_probability_is_that_of_scoring(kind: str) -> None:
    """Of subwords it is that of the spelling that was written, which need not be the one that a text is read in."""
    model = tiny_language_model(kind)
    generator, options = Generator(model.engine("float32")), SamplingOptions(seed=1, temperature=0.5, top_k=9)
    (sample,) = generator.sample("A man\nTwo", length=30, options=options)
    with torch.no_grad():
        scores = score_stream(model.decoder, Text.of("A man\nTwo" + sample.text).encode(model.vocabulary))
    given = len(generator.encode("A man\nTwo"))
    assert len(scores) == given + 30
    assert float(scores[given:].sum()) == pytest.approx(sample.log_probability, abs=1e-3)


def test_it_ends_with_what_it_is_told_to_end_with() -> None:
    ended = generator_of().sample("A", n=6, length=400, until="a", options=SEEDED)
    free = generator_of().sample("A", n=6, length=400, options=SEEDED)
    for sample, whole in zip(ended, free):
        assert sample.stopped == ("a" in whole.text)
        assert sample.text == (whole.text.partition("a")[0] + "a" if sample.stopped else whole.text)
    assert {sample.stopped for sample in ended} == {True}
    assert len({sample.tokens for sample in ended}) > 1


def test_an_end_that_spans_tokens_is_found_and_what_follows_it_is_cut_off() -> None:
    sample = Sample("ab")
    assert sample.add("cde", -1.0, "bcd") == "cd"
    assert (sample.text, sample.stopped) == ("abcd", True)


def test_the_likeliest_alone_is_greedy_and_special_tokens_are_never_written() -> None:
    model = tiny_language_model()
    with torch.no_grad():
        model.decoder.projection.bias[[0, 1, 2]] = 100
    generator = Generator(model.engine("float32"))
    one, other = (generator.sample(length=30, options=SamplingOptions(top_k=1, seed=seed)) for seed in (1, 2))
    assert texts(one) == texts(other)
    assert len(one[0].text) == 30


@pytest.mark.parametrize(
    ("kind", "prime", "message"),
    [("character", "Qq€", "has characters that the model does not know: 'Q', 'q', '€';"), ("word", "A zebra", "words")],
)
def test_a_prime_with_unknown_parts_is_an_error(kind: str, prime: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        generator_of(kind).sample(prime)


def test_a_prime_begins_a_line() -> None:
    generator = generator_of()
    assert generator.encode("A\nm")[1] == END
    with_line = generator.sample("\nA", length=5, options=SEEDED)
    assert with_line != generator.sample("A", length=5, options=SEEDED)


@pytest.mark.parametrize("kind", KINDS)
def test_the_light_engine_writes_the_same(kind: str, tmp_path: Path) -> None:
    tiny_language_model(kind).save(tmp_path / "model", {})
    written = export(LanguageModelExporter(tmp_path / "model"), tmp_path / "model", tmp_path / "light", "float32")
    assert written.float32.different == []
    assert not (tmp_path / "light" / "model.safetensors").exists()
    light = Generator.load(tmp_path / "light")
    assert light.engine.precision == "float32"
    torched = Generator.load(tmp_path / "model", engine="torch", device="cpu", precision="float32")
    options = SamplingOptions(seed=5, temperature=0.8, top_p=0.9)
    assert texts(light.sample("A man", n=3, length=30, options=options)) == texts(
        torched.sample("A man", n=3, length=30, options=options)
    )


def test_a_light_installation_samples(tmp_path: Path) -> None:
    tiny_language_model().save(tmp_path / "model", {})
    export(LanguageModelExporter(tmp_path / "model"), tmp_path / "model", tmp_path / "light", "int8")
    done = run_light(S2S, "sample", "--model", tmp_path / "light", "--prime", "A man", "--length", "20")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A man")
    done = run_light(S2S, "score", "text", __file__, "--model", tmp_path / "light")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "needs PyTorch" in done.stderr

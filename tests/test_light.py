"""What lies on the way of a sentence or a picture through the light engine is imported without torch."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from light_fixtures import S2S, run_light

MODULES = [
    "s2s.cache",
    "s2s.config",
    "s2s.errors",
    "s2s.extras",
    "s2s.files",
    "s2s.locking",
    "s2s.plugins",
    "s2s.seeds",
    "s2s.cli.allocator",
    "s2s.cli.arguments",
    "s2s.cli.command",
    "s2s.cli.doubts",
    "s2s.cli.entry",
    "s2s.cli.models",
    "s2s.cli.process",
    "s2s.cli.progress_line",
    "s2s.cli.search_options",
    "s2s.cli.signals",
    "s2s.cli.view_run",
    "s2s.decoding.confidence",
    "s2s.decoding.results",
    "s2s.models.configuration",
    "s2s.nn.configuration",
    "s2s.runtime.graph",
    "s2s.runtime.numpy_graph",
    "s2s.storage.bundled",
    "s2s.storage.light_form",
    "s2s.storage.model_record",
    "s2s.storage.verified",
    "s2s.text.lines",
    "s2s.text.sentences",
    "s2s.text.spans",
    "s2s.text.subwords",
    "s2s.text.tokens",
    "s2s.text.unknown_characters",
    "s2s.text.vocabulary",
    "s2s.text.words",
    "s2s.views.attention_file",
    "s2s.views.attention_matrix",
    "s2s.views.attention_output",
    "s2s.views.attention_page",
    "s2s.views.attention_spread",
    "s2s.views.attention_view",
    "s2s.views.confusion",
    "s2s.views.curves",
    "s2s.views.light",
    "s2s.views.reliability",
    "s2s.vision.batches",
    "s2s.vision.crops",
    "s2s.vision.images",
    "translation.arguments",
    "translation.alignment",
    "translation.assets",
    "translation.batching",
    "translation.confidence",
    "translation.configuration",
    "translation.copying",
    "translation.cutting",
    "translation.draft",
    "translation.glossary",
    "translation.formats.document",
    "translation.formats.docx",
    "translation.formats.html",
    "translation.formats.jsonl",
    "translation.formats.odt",
    "translation.formats.po",
    "translation.formats.registry",
    "translation.formats.srt",
    "translation.formats.tags",
    "translation.formats.text_file",
    "translation.formats.tsv",
    "translation.formats.webvtt",
    "translation.inputs",
    "translation.loading",
    "translation.option_checks",
    "translation.output_checks",
    "translation.account",
    "translation.counts",
    "translation.lost_tags",
    "translation.outputs",
    "translation.part_file",
    "translation.piece",
    "translation.placing",
    "translation.prefix_lines",
    "translation.prefixing",
    "translation.reading",
    "translation.report",
    "translation.resuming",
    "translation.run",
    "translation.score",
    "translation.scoring",
    "translation.splitting",
    "translation.terms",
    "translation.target_reading",
    "translation.translate",
    "translation.working",
    "translation.writing",
    "captioning.album",
    "captioning.arguments",
    "captioning.assets",
    "captioning.caption",
    "captioning.captioner",
    "captioning.confidence",
    "captioning.configuration",
    "captioning.engine",
    "captioning.familiarity",
    "captioning.inputs",
    "captioning.light",
    "captioning.plan",
    "captioning.report",
    "captioning.result_files",
    "captioning.results",
    "captioning.run",
    "captioning.side_files",
    "captioning.sidecars",
    "captioning.text",
    "captioning.pages.caption_view",
    "captioning.pages.gallery",
    "labelling.assets",
    "labelling.classifier",
    "labelling.classify",
    "labelling.command",
    "labelling.configuration",
    "labelling.engine",
    "labelling.evaluate_classifier",
    "labelling.evaluate_tagger",
    "labelling.labeller",
    "labelling.light",
    "labelling.loading",
    "labelling.schemes",
    "labelling.tag",
    "labelling.tagger",
    "labelling.token_lines",
    "s2s.text.word_marks",
    "question_answering.answer",
    "question_answering.answerer",
    "question_answering.assets",
    "question_answering.configuration",
    "question_answering.corpus",
    "question_answering.engine",
    "question_answering.evaluate",
    "question_answering.eyes",
    "question_answering.light",
    "question_answering.loading",
    "question_answering.pages",
    "question_answering.question_files",
    "question_answering.scores",
    "question_answering.writing",
    "language_model.assets",
    "language_model.configuration",
    "language_model.corpus",
    "language_model.engine",
    "language_model.evaluate",
    "language_model.figures",
    "language_model.generator",
    "language_model.light",
    "language_model.loading",
    "language_model.recipe",
    "language_model.sample",
    "language_model.score",
    "language_model.streams",
    "language_model.train",
    "serving.application",
    "serving.loading",
    "serving.serve",
]

IMPORT_ALL = """
import importlib, json

failed = {}
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
    except ImportError as error:
        failed[module] = str(error)
print(json.dumps(failed))
"""


def failures(*modules: str) -> dict[str, str]:
    """The modules that cannot be imported in a light installation, and why."""
    done = run_light(IMPORT_ALL, *modules)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_light_path_is_imported_without_torch() -> None:
    assert failures(*MODULES) == {}


def test_a_module_that_needs_torch_is_told() -> None:
    assert failures("s2s.nn.cells", "s2s.errors") == {"s2s.nn.cells": "No module named 'torch'"}


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("train translation {recipe} --run {folder}/run", "PyTorch"),
        ("train captioning {recipe} --run {folder}/run", "PyTorch"),
        ("train tagger {recipe} --run {folder}/run", "PyTorch"),
        ("evaluate translation --hypothesis {recipe} --reference {recipe} --target-language de", "sacrebleu"),
        ("export en-de --output {folder}/light", "onnx"),
        ("average en-de en-de --output {folder}/mean", "PyTorch"),
        ("calibrate translation en-de --source {recipe} --reference {recipe}", "PyTorch"),
    ],
)
def test_what_needs_more_than_a_light_installation_says_so(command: str, package: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("# a line\n")
    arguments = command.format(recipe=recipe, folder=tmp_path).split()
    done = run_light(S2S, *arguments)
    name = " ".join(["s2s", *(word for word in arguments[:2] if word != "en-de")])
    do = r'pip install "s2s-attention\[torch\]" \(in a clone: uv sync\)'
    message = rf"error: {name} needs {package}, which is not installed; run: {do}\n"
    assert re.fullmatch(message, done.stderr), done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_a_format_that_needs_a_package_says_so(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.touch()
    done = run_light(S2S, "translate", page)
    do = 'pip install "s2s-attention[formats]" (in a clone: uv sync)'
    assert done.stderr == f"error: s2s translate needs markdown-it-py, which is not installed; run: {do}\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_the_list_of_commands_and_of_models_needs_nothing() -> None:
    assert run_light(S2S, "--help").returncode == 0
    assert "flickr8k" in run_light(S2S, "models").stdout

"""The light engine of an answerer: ONNX Runtime, without torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from question_answering.assets import Assets
from question_answering.configuration import SharedPictureConfig
from question_answering.engine import AnsweringEngine, Scores, SeenPictures
from question_answering.eyes import CAPTIONING, shared_captioner
from question_answering.writing import write_answers
from s2s.errors import check
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.loading import ENCODER, STEP
from s2s.runtime.network import LightNetwork, first_state
from s2s.storage.light_form import LightModel, read_light
from s2s.text.padding import Padded
from s2s.vision.batches import PixelBatch

ANSWERS, EYES = "answers.onnx", "eyes.onnx"
_PART = 4  # pictures in the CNN at a time: more take more memory and hardly less time


class LightEyes:
    """See `See`.

    Args:
        graph: `eyes.onnx`, or the `encoder.onnx` of a captioner
        outputs: the names of the cells in it, and of their mask
        grid: rows and columns of the cells
    """

    def __init__(self, graph: Graph, outputs: tuple[str, str], grid: tuple[int, int]) -> None:
        self._graph, self._grid = graph, grid
        self._outputs = [name for name in outputs if name in graph.outputs]

    def __call__(self, pictures: PixelBatch) -> SeenPictures:
        """See `See`."""
        parts = [self._see(pictures, slice(first, first + _PART)) for first in range(0, len(pictures.values), _PART)]
        cells, *mask = (np.concatenate(values) for values in zip(*parts))
        return SeenPictures(cells, mask[0] if mask else None, self._grid)

    def _see(self, pictures: PixelBatch, part: slice) -> list[NDArray[Any]]:
        inputs: dict[str, NDArray[Any]] = {"pixels": pictures.values[part]}
        if pictures.extent is not None:
            inputs["extent"] = pictures.extent[part]
        return self._graph.run(inputs, self._outputs)


class LightScorer:
    """See `Scorer`.

    Args:
        graph: `answers.onnx`
        step: `step.onnx`; None if the model has no decoder
        assets: what it reads and writes by
    """

    def __init__(self, graph: Graph, step: Graph | None, assets: Assets) -> None:
        self._graph, self._step, self._assets = graph, step, assets

    def __call__(self, pictures: SeenPictures, questions: Padded, *, blind: bool = False, written: int = 0) -> Scores:
        """See `Scorer`."""
        inputs: dict[str, NDArray[Any]] = {"cells": pictures.cells, **vars(questions)}
        if pictures.mask is not None:
            inputs["mask"] = pictures.mask
        begins = ("rows.", "sentences.") if written and self._step else ()
        wanted = {"log_probabilities", "hops", "words", *(["blind"] if blind else [])}
        names = [name for name in self._graph.outputs if name in wanted or (begins and name.startswith(begins))]
        found = dict(zip(names, self._graph.run(inputs, names)))
        answers = None
        if written and self._step:
            network = LightNetwork(None, self._step)
            answers = write_answers(network, first_state(found), len(pictures.cells), written, self._assets.config)
        return Scores(found["log_probabilities"], found["hops"], found.get("words"), found.get("blind"), answers)


def light_engine(form: LightModel, threads: int) -> AnsweringEngine:
    """The engine of a model's light form, on so many processor cores.

    Raises:
        UserError: the model cannot be built from its files, or ONNX Runtime is not installed.
    """
    directory = form.record.directory
    check(find_spec("onnxruntime"), f"{directory}: an answerer needs ONNX Runtime; install it, or use --engine torch")
    with form.record.building():
        assets = Assets.read(form.record)
        graph = OnnxGraph(form.file(ANSWERS), threads=threads)
        step = OnnxGraph(form.file(STEP), threads=threads) if assets.config.decoder else None
        return AnsweringEngine(
            **vars(assets),
            see=_eyes(form, assets, threads),
            score=LightScorer(graph, step, assets),
            precision=form.precision,
        )


def _eyes(form: LightModel, assets: Assets, threads: int) -> LightEyes:
    """The CNN of the model, or of the captioner that it shares one with."""
    picture = assets.config.picture
    check(form.grid, f"{form.record.path}: 'light' has no grid, which an answerer needs; run `s2s export` again")
    assert form.grid is not None
    if not isinstance(picture, SharedPictureConfig):
        return LightEyes(OnnxGraph(form.file(EYES), threads=threads), ("cells", "mask"), form.grid)
    return shared_eyes(picture, form.record.directory, form.grid, threads)


def shared_eyes(picture: SharedPictureConfig, answerer: Path, grid: tuple[int, int], threads: int) -> LightEyes:
    """The picture encoder of a captioner's light form.

    Args:
        picture: says which captioner
        answerer: the directory of the answerer, for messages
        grid: rows and columns of the cells
        threads: processor cores

    Raises:
        UserError: the captioner is missing, is another one, or has no light form to look through.
    """
    directory = shared_captioner(picture, answerer)
    captioner = OnnxGraph(read_light(directory, CAPTIONING).file(ENCODER), threads=threads)
    check(
        "sentences.values" in captioner.outputs,
        f"{directory}: its light form has no grid to look at; use --engine torch, or another captioner",
    )
    return LightEyes(captioner, ("sentences.values", "sentences.mask"), grid)

"""`FrameLabeller`: the frames of a film to one label each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from labelling.frames.configuration import FRAME_LABELLER
from labelling.frames.model import FrameLabellerModel
from s2s.models.frame_encoder import FilmVectors, pool_cells
from s2s.models.heads import LabelScores
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast, choose_device, use_threads
from s2s.storage.bundled import find_model
from s2s.vision.backbones import fold_batch_norm
from s2s.vision.batches import stack_pictures
from s2s.vision.grids import Pixels
from s2s.vision.images import ImageError, Picture, read_image

BATCH = 32  # frames that the CNN looks at together
LONGEST = 4096  # frames that the network reads at once; a longer film is read in pieces


@dataclass(frozen=True)
class LabelledFrame:
    """A frame and its label; `probabilities` are those of all labels, 0 to 1."""

    path: Path
    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class LabelledFilm:
    """What became of a film.

    Attributes:
        frames: those that could be read, in their order
        failed: why the others could not be read; the film was read without them
    """

    frames: Sequence[LabelledFrame]
    failed: Sequence[ImageError]


class FrameLabeller:
    """A frame labeller: `FrameLabeller.load("RUN/best").label(frames_of(Path("film"))).frames[0].label`.

    Args:
        model: on its device, evaluating
        precision: of matrix products
    """

    def __init__(self, model: FrameLabellerModel, precision: Precision = "auto") -> None:
        self.config = model.config
        self._backbone, self._network = fold_batch_norm(model.backbone), model.network
        self._precision: Precision = precision
        self._device = model.backbone.mean.device

    @classmethod
    def load(
        cls, model: Path | str, *, device: str = "auto", precision: Precision = "auto", threads: int | None = None
    ) -> FrameLabeller:
        """Load a model directory; `threads` are those of the whole process.

        Raises:
            UserError: the model is missing, damaged or of another kind; the device is not available.
        """
        use_threads(threads)
        chosen, loaded = choose_device(device), FrameLabellerModel.load(find_model(model, FRAME_LABELLER))
        loaded.backbone.to(chosen)
        loaded.network.to(chosen)
        return cls(loaded, precision)

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that the model knows."""
        return self.config.labels

    def label(self, frames: Sequence[Path]) -> LabelledFilm:
        """Label the frames of one film, which are given in their order."""
        kept, failed, parts = list[Path](), list[ImageError](), list[Tensor]()
        for batch in self._decoded(frames):
            failed += [found for _, found in batch if isinstance(found, ImageError)]
            pictures = {path: found for path, found in batch if isinstance(found, Picture)}
            if pictures:
                parts.append(self._vectors(list(pictures.values())))
                kept += pictures
        scores = self._scores(torch.cat(parts)) if parts else torch.empty(0, len(self.labels))
        rows = [dict(zip(self.labels, row)) for row in scores.exp().tolist()]
        best = [max(row, key=row.__getitem__) for row in rows]
        return LabelledFilm(
            [LabelledFrame(path, label, row[label], row) for path, label, row in zip(kept, best, rows)], failed
        )

    def _decoded(self, frames: Sequence[Path]) -> Iterator[list[tuple[Path, Picture | ImageError]]]:
        with ThreadPoolExecutor(thread_name_prefix="frames") as pool:
            for start in range(0, len(frames), BATCH):
                batch = frames[start : start + BATCH]
                yield list(zip(batch, pool.map(self._decode, batch)))

    def _decode(self, path: Path) -> Picture | ImageError:
        try:
            return self.config.preprocessing.apply(read_image(path))
        except ImageError as error:
            return error

    @torch.no_grad()
    def _vectors(self, pictures: Sequence[Picture]) -> Tensor:
        """(pictures, dim) float32."""
        pixels = Pixels.of(stack_pictures(pictures, self.config.preprocessing)).values.to(self._device)
        with autocast(self._precision, self._device):
            return pool_cells(self._backbone(pixels).float(), self.config.sides)

    @torch.no_grad()
    def _scores(self, vectors: Tensor) -> Tensor:
        """(frames, dim) -> log-probabilities (frames, labels), on the CPU."""
        found = []
        for piece in vectors.split(LONGEST):
            with autocast(self._precision, self._device):
                scores: LabelScores = self._network(FilmVectors.of([piece], self._device))
            found.append(scores.logits.float().log_softmax(-1).cpu())
        return torch.cat(found)

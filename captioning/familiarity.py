"""Familiarity: what the training pictures look like to the CNN, and which words people say of which.

A picture is its summary, the mean of the CNN's cells, at unit length. The summaries of photographs of one kind lie near
a flat part of the space: their mean and the `DIRECTIONS` in which they differ most. A picture is strange by its
distance from that part, as in the residual of Wang et al. (2022), "ViM: Out-Of-Distribution with Virtual-logit
Matching". From where it lies inside that part, a linear regression tells how often people use each word of it.

Beside the model's own score both are needed: a model writes a fluent and likely caption of a picture that is unlike all
that it was trained on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from s2s.errors import UserError, check
from s2s.storage.verified import shorten

FILE = "confidence.safetensors"  # its name in a model directory
DIRECTIONS = 64  # 16 told photographs of another collection a little worse, 128 no better
_RAREST, _MOST_COMMON = 0.005, 0.45  # tokens that are used of this share of the pictures: not "a", "the" and "is"
_MOST_TOKENS = 600
_LEAST_SHARE = 0.005  # a regression also says less than nothing
_AGAIN = "run `s2s calibrate captioning` again"

Captions = Sequence[Sequence[int]]  # of one picture, as token ids
Array = NDArray[Any]  # float32, unless it says otherwise


class Impression(NamedTuple):
    """How a picture compares with the training pictures, known before it is captioned.

    Attributes:
        strangeness: distance of the summary from the flat part in which the training pictures lie, 0 to 2
        unfamiliar: share of its distance from the mean summary that lies outside of that part, 0 to 1
        expected: for each token that the regression knows, the share of captions of such a picture that has it
    """

    strangeness: float
    unfamiliar: float
    expected: dict[int, float]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Statistics of the training pictures and their captions.

    Attributes:
        mean: (dim,), of the summaries
        directions: (dim, directions), orthonormal
        deviations: (directions,), the standard deviation of the summaries in each
        tokens: (tokens,) int64, those that the regression knows
        shares: (tokens,), the share of the captions of a picture that has each, mean over the pictures
        slopes: (directions, tokens), what a standard deviation in each direction adds to it
    """

    mean: Array
    directions: Array
    deviations: Array
    tokens: Array
    shares: Array
    slopes: Array

    def look(self, summaries: Array) -> list[Impression]:
        """The impression of each picture, from the mean of its CNN's cells: (pictures, dim)."""
        offsets = _unit(summaries.astype(np.float32)) - self.mean  # (pictures, dim)
        inside = offsets @ self.directions  # (pictures, directions)
        whole, within = np.square(offsets).sum(1), np.square(inside).sum(1)
        strangeness = np.sqrt((whole - within).clip(min=0))
        unfamiliar = 1 - np.sqrt((within / whole.clip(min=1e-12)).clip(0, 1))
        with np.errstate(all="ignore"):  # a stranger's deviation may be 0
            expected = self.shares + inside / self.deviations @ self.slopes  # (pictures, tokens)
        rows = zip(strangeness.tolist(), unfamiliar.tolist(), expected.clip(_LEAST_SHARE, 1).tolist())
        tokens = self.tokens.tolist()
        return [Impression(strange, strange_share, dict(zip(tokens, row))) for strange, strange_share, row in rows]

    def usual(self) -> dict[int, float]:
        """For each token that the regression knows, the share of all captions that has it."""
        return dict(zip(self.tokens.tolist(), self.shares.clip(min=_LEAST_SHARE).tolist()))

    def to_bytes(self) -> bytes:
        """Return the content of a file that `from_bytes` reads. Floating-point numbers are stored in 16 bits."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        tokens = arrays.pop("tokens")
        return save({"tokens": tokens, **{name: each.astype(np.float16, order="C") for name, each in arrays.items()}})

    @classmethod
    def from_bytes(cls, data: bytes, source: Path) -> Familiarity:
        """Read what `to_bytes` wrote; raise a UserError that names the file `source` if it is anything else."""
        try:
            tensors = load(data)
        except (SafetensorError, ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise UserError(f"{source}: is not a safetensors file ({shorten(error)}); {_AGAIN}") from error
        names = [field.name for field in fields(cls)]
        check(sorted(tensors) == sorted(names), f"{source}: does not hold {', '.join(names)}; {_AGAIN}")
        dim, directions, tokens = (tensors[name].size for name in ("mean", "deviations", "tokens"))
        shapes = [(dim,), (dim, directions), (directions,), (tokens,), (tokens,), (directions, tokens)]
        for name, shape in zip(names, shapes):
            fitting = tensors[name].shape == shape and bool(np.isfinite(tensors[name]).all())
            check(fitting, f"{source}: {name} is not {shape} finite numbers, as the others need; {_AGAIN}")
        return cls(**{name: tensors[name].astype(np.int64 if name == "tokens" else np.float32) for name in names})

    def check_dim(self, dim: int, source: Path) -> None:
        """Raise a UserError that names the file `source` unless this is of a CNN with `dim` channels."""
        own = len(self.mean)
        check(own == dim, f"{source}: is of a CNN with {own:,} channels, and this model has {dim:,}; {_AGAIN}")


def learn(summaries: Iterable[Array], captions: Sequence[Captions]) -> Familiarity:
    """Learn what pictures look like, in one pass.

    Args:
        summaries: of all pictures in batches, (pictures, dim) each
        captions: of each picture, in the same order

    Raises:
        UserError: there are fewer than two pictures.
    """
    check(len(captions) >= 2, "what training pictures look like cannot be learned from fewer than 2; give more")
    tokens = _telling_tokens(captions)
    sums: list[Array] = []
    first = 0
    for batch in summaries:
        units = _unit(batch.astype(np.float64))  # (pictures, dim)
        said = _said(captions[first : first + len(units)], tokens)  # (pictures, tokens)
        added = units.sum(0), units.T @ units, units.T @ said
        sums = list(map(np.add, sums, added)) if sums else list(added)
        first += len(units)
    assert first == len(captions)
    total, squares, products = sums
    mean, shares = total / first, _said(captions, tokens).mean(0)
    variances, directions = np.linalg.eigh(squares / first - np.outer(mean, mean))  # in ascending order
    kept = max(1, min(DIRECTIONS, len(mean), (first - 1) // 2))
    deviations = np.sqrt(variances[-kept:].clip(min=max(1e-12, 1e-6 * float(variances[-1]))))[::-1]
    directions = directions[:, -kept:][:, ::-1]
    slopes = (directions / deviations).T @ (products / first - np.outer(mean, shares))  # (directions, tokens)
    slopes *= first / (first + kept)  # few pictures tell less than they seem to
    # rounded as it will be stored, so that a calibration is fitted on what users' pictures will be compared with
    mean, directions, deviations, shares, slopes = (
        each.astype(np.float16).astype(np.float32) for each in (mean, directions, deviations, shares, slopes)
    )
    return Familiarity(mean, directions, deviations, np.array(tokens, dtype=np.int64), shares, slopes)


def _unit(summaries: Array) -> Array:
    return summaries / np.linalg.norm(summaries, axis=1, keepdims=True).clip(min=1e-6)


def _telling_tokens(captions: Sequence[Captions]) -> list[int]:
    """The tokens that are used of neither few nor most pictures, the most common ones first."""
    pictures = Counter(token for of_picture in captions for token in {t for caption in of_picture for t in caption})
    least, most = math.ceil(max(2, _RAREST * len(captions))), _MOST_COMMON * len(captions)
    return [token for token, count in pictures.most_common() if least <= count <= most][:_MOST_TOKENS]


def _said(captions: Sequence[Captions], tokens: Sequence[int]) -> NDArray[np.float64]:
    """The share of the captions of each picture that has each token, (pictures, tokens) float64."""
    columns = {token: column for column, token in enumerate(tokens)}
    said: NDArray[np.float64] = np.zeros((len(captions), len(tokens)))
    for row, of_picture in enumerate(captions):
        for caption in of_picture:
            for token in set(caption) & columns.keys():
                said[row, columns[token]] += 1 / len(of_picture)
    return said

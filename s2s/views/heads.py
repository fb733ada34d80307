"""The heads of a Transformer: what each head of each layer looks at while a model reads one input.

An application registers how the heads of its models are read under the entry-point group "s2s.heads", by the kind of
the models (see s2s/plugins.py): a function as `ReadHeads` describes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST = 200  # tokens of a sentence: of a longer one nobody looks at each weight


@dataclass(frozen=True)
class LookingHeads:
    """One kind of attention in a model, in all layers.

    Attributes:
        name: for the reader, such as "decoder: the translation looks at the source"
        rows: the tokens that look
        columns: the tokens that are looked at; none where these are the cells of a photograph
        grid: rows and columns of these cells; None where tokens are looked at
        weights: (layers, heads, rows, columns or cells), which sum to 1 along the last axis
    """

    name: str
    rows: Sequence[str]
    columns: Sequence[str]
    weights: NDArray[np.float32]
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class Heads:
    """All attentions of a model over one input.

    Attributes:
        attentions: at least one
        photograph: upright; None where there is none
        box: left, top, right and bottom of the grid, as shares of the photograph's width and height
    """

    attentions: Sequence[LookingHeads]
    photograph: Image.Image | None = None
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class InputToRead:
    """An input whose heads are asked for.

    Attributes:
        text: a sentence, or the path of a photograph
        target: a given translation or caption; None for the model's own
        device, threads: what computes, as the options of the command line name it
    """

    text: str
    target: str | None = None
    device: str = "auto"
    threads: int | None = None


class ReadHeads(Protocol):
    """Reads the heads of a model over one input.

    Raises:
        UserError: the model is damaged or no Transformer, it cannot read such an input, or the input has more than
            `LONGEST` tokens.
    """

    def __call__(self, directory: Path, given: InputToRead) -> Heads:
        """The heads of a model over one input."""
        ...

"""From the states that a recurrent layer went through to what a page shows."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from s2s.nn.cells import CellStates
from s2s.views.text_states import LayerStates


def layer_states(name: str, parts: Sequence[CellStates]) -> LayerStates:
    """Join the states of one layer over the parts of a text, each (time, 1, dim), into (all tokens, dim)."""
    hidden, *cell = (torch.cat(each)[:, 0].float().cpu().numpy() for each in zip(*parts))
    return LayerStates(name, hidden, cell[0] if cell else None)

"""The `Network` of the light form: an encoder graph and a step graph, on NumPy arrays.

The state of the decoder is the arrays that the step graph takes beside the tokens. The beginnings of their names say
how they are moved: `rows.` have a row for each hypothesis, `sentences.` one for each sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.models.contracts import Item, Likeliest, Result
from s2s.runtime.graph import Graph

Arrays = Mapping[str, NDArray[Any]]

_MASK = "sentences.mask"


@dataclass(frozen=True)
class LightState:
    """The `State` of the light form (see s2s/models/contracts.py).

    Attributes:
        sentences: how many there are
        of_rows: each (rows, dim) float32, by name
        of_sentences: each (sentences, ...), by name
    """

    sentences: int
    of_rows: Arrays
    of_sentences: Arrays

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """See `State`."""
        return self.of_sentences.get(_MASK)

    def reorder(self, parents: NDArray[np.int64]) -> LightState:
        """See `State`. The arrays of sentences stay as they are."""
        return replace(self, of_rows={name: values.take(parents, axis=0) for name, values in self.of_rows.items()})

    def repeat(self, times: int) -> LightState:
        """See `State`."""
        return replace(self, of_rows={name: values.repeat(times, axis=0) for name, values in self.of_rows.items()})

    def keep(self, sentences: NDArray[np.int64]) -> LightState:
        """See `State`."""
        rows = len(next(iter(self.of_rows.values()))) // self.sentences  # of each sentence
        kept = self.reorder((sentences[:, None] * rows + np.arange(rows)).reshape(-1))
        of_sentences = {name: values.take(sentences, axis=0) for name, values in self.of_sentences.items()}
        return replace(kept, sentences=len(sentences), of_sentences=of_sentences)

    def detach(self) -> LightState:
        """See `State`; there are no gradients."""
        return self


@dataclass(frozen=True)
class LightStep:
    """The `Step` of the light form: it has either the log-probabilities of all tokens or those of the likeliest."""

    state: LightState
    attention: NDArray[np.float32] | None
    log_probabilities: NDArray[np.float32] | None = None
    likeliest: Likeliest | None = None


class LightNetwork:
    """See `Network`. Several batches may be searched with at the same time, each by a thread.

    Args:
        encoder: `encoder.onnx`; None for a model without an encoder, whose searches start from a state
        step: `step.onnx`
        workers: how many batches `map` has in work at the same time
    """

    def __init__(self, encoder: Graph | None, step: Graph, workers: int = 1) -> None:
        self.encoder, self.graph, self.workers = encoder, step, workers

    @contextmanager
    def searching(self, likeliest: int | None = None) -> Iterator[LightSearch]:
        """See `Network`."""
        yield LightSearch(self.encoder, self.graph, likeliest)

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        """See `Network`: the array itself."""
        return values

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See `Network`. An exception of `function` is raised when its result is due."""
        count = min(self.workers, len(items))
        if count < 2:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(count, "batches") as pool:
            yield from pool.map(function, items)


class LightSearch:
    """The `Search` of the light form.

    Args:
        encoder, graph: see `LightNetwork`
        likeliest: how many tokens of each row a step has to report, or all if there are fewer; None if all
            log-probabilities are needed
    """

    def __init__(self, encoder: Graph | None, graph: Graph, likeliest: int | None) -> None:
        self._encoder, self._graph = encoder, graph
        count, vocabulary = likeliest or 1, graph.widths.get("log_probabilities")
        # ONNX Runtime's top-k fails where it is asked for more than there are; NumPy's gives what there is.
        self._count = np.array([min(count, vocabulary) if isinstance(vocabulary, int) else count])
        self._found = ["log_probabilities"] if likeliest is None else ["best.values", "best.tokens"]
        self._looks = ["attention"] if "attention" in graph.outputs else []

    def start(self, inputs: Any) -> LightState:
        """See `Search`.

        Args:
            inputs: an object whose attributes are the inputs of the encoder graph, such as `Padded`; or the state that
                the graph gave, where its other outputs were needed before the search
        """
        if isinstance(inputs, LightState):
            return inputs
        if self._encoder is None:
            raise TypeError("a model without an encoder starts from a state")
        names = [name for name in self._encoder.outputs if name.startswith(("rows.", "sentences."))]
        return first_state(dict(zip(names, self._encoder.run(vars(inputs), names))))

    def step(self, tokens: NDArray[np.int64], state: LightState) -> LightStep:
        """See `Search`."""
        names = list(state.of_rows)
        wanted = [*self._found, *self._looks, *(f"next.{name}" for name in names)]
        inputs = {"tokens": tokens, "count": self._count, **state.of_rows, **state.of_sentences}
        outputs = dict(zip(wanted, self._graph.run(inputs, wanted)))
        following = replace(state, of_rows={name: outputs[f"next.{name}"] for name in names})
        attention = outputs.get("attention")
        if "log_probabilities" in outputs:
            return LightStep(following, attention, outputs["log_probabilities"])
        likeliest = Likeliest(outputs["best.values"], outputs["best.tokens"])
        return LightStep(following, attention, likeliest=likeliest)


def first_state(outputs: Arrays) -> LightState:
    """The state before the first token, of the outputs of an encoder graph by name; others than its own are ignored."""
    of_rows = {name: values for name, values in outputs.items() if name.startswith("rows.")}
    of_sentences = {name: values for name, values in outputs.items() if name.startswith("sentences.")}
    return LightState(len(next(iter(of_rows.values()))), of_rows, of_sentences)

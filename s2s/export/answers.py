"""The graphs of an answerer: a question and the cells of a picture to answers; and its own CNN, pixels to cells."""

from __future__ import annotations

from s2s.export.attention import ATTENTIONS, dense, look
from s2s.export.builder import BOOL, FLOAT, WEIGHTS_FILE, WeightFile
from s2s.export.cells import CELLS
from s2s.export.contracts import Storage
from s2s.export.decoders import DECODERS, EncodedGrid
from s2s.export.graphs import STEP, look_up
from s2s.export.heads import READINGS, Read
from s2s.export.image_encoder import add_cells, encode_cells
from s2s.export.matrices import NetworkGraph, array_of
from s2s.export.text_encoder import TEXT_ENCODERS, read_embedded, sentence_inputs
from s2s.models.answer_configuration import StackedAttentionConfig
from s2s.models.answer_network import AnswerHead, StackedAttention, coordinates
from s2s.models.configuration import DecoderConfig, RecurrentEncoderConfig
from s2s.models.heads import Reading
from s2s.models.image_encoder import GridEncoder
from s2s.models.text_encoder import TextEncoder
from s2s.vision.backbones import Backbone

ANSWERS, EYES = "answers.onnx", "eyes.onnx"


def build_answer_graphs(
    head: AnswerHead,
    grid: GridEncoder,
    config: StackedAttentionConfig,
    reader: RecurrentEncoderConfig,
    decoder: DecoderConfig | None,
    precision: Storage,
    shape: tuple[int, int],
    eyes: tuple[Backbone, int] | None,
    *,
    padded: bool,
) -> dict[str, bytes]:
    """Return the files `answers.onnx` and `light.weights`, with a decoder `step.onnx`, with a CNN `eyes.onnx`.

    The graph of the answers takes `cells` (questions, positions, dim), perhaps `mask`, and the arrays of `Padded`. It
    gives `log_probabilities` and `blind` (questions, answers), `hops` (questions, hops, positions), perhaps `words`
    (questions, words), and the first state of the decoder.

    Args:
        head, grid: the trained network without its CNN
        config: of the attention
        reader: of what reads questions
        decoder: of what writes answers, or None
        precision: of the stored weights
        shape: rows and columns of the grid
        eyes: the CNN, and pixels a side of a picture; None if the CNN is another model's
        padded: whether a photograph may fill a part of its picture only

    Raises:
        UserError: a part of the network cannot be exported; the message names it.
    """
    look_up(TEXT_ENCODERS, reader, "encoder")
    look_up(CELLS, reader.cell, "encoder.cell")
    weights = WeightFile()
    graph = NetworkGraph("answers", weights, precision, integer_products=False)
    cells = graph.input("cells", FLOAT, ["questions", "positions", grid.summary_dim])
    mask = graph.input("mask", BOOL, ["questions", "positions"]) if padded else None
    places = head.places(coordinates(shape).to(head.places.weight.device))
    placed = graph.node("Add", encode_cells(graph, grid, cells), graph.constant(array_of(places)))
    memory = _add_answers(graph, head, config, reader, placed, mask)
    files = {}
    if decoder is not None:
        graphs = look_up(DECODERS, decoder, "written.decoder")(decoder, head.decoder)
        graphs.start(graph, memory)
        step = NetworkGraph("step", weights, precision, integer_products=True)
        graphs.step(step, masked=True, bound=memory.bound)
        files[STEP] = step.model()
    if eyes is not None:
        backbone, size = eyes
        seeing = NetworkGraph("eyes", weights, precision, integer_products=False)
        seen, real = add_cells(seeing, backbone, size, shape, padded=padded)
        seeing.output("cells", seen, FLOAT, ["pictures", "positions", backbone.dim])
        if real is not None:
            seeing.output("mask", real, BOOL, ["pictures", "positions"])
        files[EYES] = seeing.model()
    return {ANSWERS: graph.model(), **files, WEIGHTS_FILE: weights.content()}


def _add_answers(
    graph: NetworkGraph,
    head: AnswerHead,
    config: StackedAttentionConfig,
    reader: RecurrentEncoderConfig,
    grid: str,
    mask: str | None,
) -> EncodedGrid:
    """`AnswerHead.forward`; return what the decoder looks at."""
    inputs = sentence_inputs(graph)
    words, read = _read(graph, config, reader, (head.reader, head.reading), inputs)
    _, blind = _read(graph, config, reader, (head.blind.encoder, head.blind.reading), inputs)
    vector, hops = _looked(graph, head.attention, config, read.vector, (grid, mask))
    answers = head.output.out_features
    for name, layer, value in (("log_probabilities", head.output, vector), ("blind", head.blind.output, blind.vector)):
        logits = dense(graph, value, layer.weight, layer.bias)
        graph.output(name, graph.node("LogSoftmax", logits, axis=-1), FLOAT, ["questions", answers])
    graph.output("hops", hops, FLOAT, ["questions", config.hops, "positions"])
    if read.attention:
        graph.output("words", read.attention, FLOAT, ["questions", "words"])
    if head.project_words is None:
        return EncodedGrid(grid, mask, vector)
    assert words.mask is not None
    projected = dense(graph, words.grid, head.project_words.weight, head.project_words.bias)
    real = mask or _all_real(graph, grid)
    joined = graph.node("Concat", grid, projected, axis=1)
    return EncodedGrid(joined, graph.node("Concat", real, words.mask, axis=1), vector)


def _read(
    graph: NetworkGraph,
    config: StackedAttentionConfig,
    reader: RecurrentEncoderConfig,
    modules: tuple[TextEncoder, Reading],
    inputs: tuple[str, str],
) -> tuple[EncodedGrid, Read]:
    """The words of the questions, and the vectors that they are read to."""
    encoder, reading = modules
    embedded = graph.rows(encoder.embedding.weight, inputs[0])
    words = read_embedded(graph, reader, encoder, embedded, inputs)
    return words, look_up(READINGS, config.reading, "attention.reading")(graph, config.reading, reading, words)


def _looked(
    graph: NetworkGraph,
    stacked: StackedAttention,
    config: StackedAttentionConfig,
    question: str,
    cells: tuple[str, str | None],
) -> tuple[str, str]:
    """`StackedAttention.forward`: the vector (questions, 2 dim) and the weights (questions, hops, positions)."""
    kind = look_up(ATTENTIONS, config.attention, "attention.attention")
    found = graph.node("Tanh", dense(graph, question, stacked.query.weight, stacked.query.bias))
    context, weights = found, []
    for attention in stacked.looks:
        keys = kind.keys(graph, attention, cells[0])
        seen = look(graph, config.attention, attention, found, (keys, *cells))
        context, found = seen.context, graph.node("Add", found, seen.context)
        weights.append(graph.node("Unsqueeze", seen.weights, graph.integers(1)))
    matched = graph.node("Tanh", dense(graph, question, stacked.match.weight, stacked.match.bias))
    vector = graph.node("Concat", found, graph.node("Mul", matched, context), axis=-1)
    return vector, graph.node("Concat", *weights, axis=1) if len(weights) > 1 else weights[0]


def _all_real(graph: NetworkGraph, grid: str) -> str:
    """A mask (questions, positions) that is True everywhere."""
    shape = graph.node("Concat", graph.length(grid, 0), graph.length(grid, 1), axis=0)
    return graph.node("Expand", graph.constant([[True]], BOOL), shape)

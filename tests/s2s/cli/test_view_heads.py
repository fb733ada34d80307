"""`s2s view heads`: the page holds the weights that the model looks with; mistakes, each in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import numpy as np
import pytest
import torch
from PIL import Image
from translation_fixtures import LINES, tiny_model, transformer_model

from captioning.heads import photograph_heads
from captioning.model import CaptioningModel
from s2s.cli import command
from s2s.cli.view_heads import view_heads
from s2s.nn.multi_head import MultiHeadAttention
from s2s.nn.recording_heads import recorded_heads
from s2s.views.heads_page import heads_page
from translation.heads import pair_heads
from translation.pairs import PairReader

View = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="view")
def run_view(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> View:
    """Run the command in this process, in an empty folder: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s view heads"])
    monkeypatch.chdir(tmp_path)

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(view_heads, [*map(str, arguments), "--device", "cpu"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_recorded_weights_are_those_that_are_looked_with() -> None:
    torch.manual_seed(1)
    attention, inputs = MultiHeadAttention(8, 6, 2), torch.randn(3, 4, 8)
    memory, allowed = attention.project(torch.randn(3, 5, 6)), torch.ones(3, 1, 1, 5, dtype=torch.bool)
    with recorded_heads([attention]) as looks:
        attention(inputs, memory, allowed)
    assert looks[0].shape == (3, 2, 4, 5)
    torch.testing.assert_close(looks[0].mean(1), attention.weights(inputs, memory, allowed))
    attention(inputs, memory, allowed)
    assert len(looks) == 1


@pytest.mark.parametrize("form", ["transformer", "recurrent encoder", "recurrent decoder"])
def test_the_heads_of_a_translator(form: str) -> None:
    """The mean over the heads of the layer that aligns words is the attention that search reports."""
    reader = PairReader(transformer_model(form), 1)
    (pair,) = reader.pairs(LINES[:1], ["Two dogs play"])
    heads = pair_heads(reader, pair)
    names = [each.name.partition(":")[0] for each in heads.attentions]
    assert names == {"transformer": ["decoder", "encoder", "decoder"], "recurrent encoder": ["decoder"] * 2}.get(
        form, ["encoder"]
    )
    for each in heads.attentions:
        assert each.weights.shape == (2, 2, len(each.rows), len(each.columns))
        np.testing.assert_allclose(each.weights.sum(-1), 1, rtol=1e-5)
    if names[0] == "decoder":
        over, own = heads.attentions[0], heads.attentions[-1]
        assert own.rows[0] == "<s>"
        assert not np.triu(own.weights, 1).any()
        decoder: Any = reader.model.network.decoder
        with torch.no_grad():
            memory = reader.model.text_encoder(*[_padded(reader, pair.source)])
            output = decoder(torch.tensor([pair.read]), decoder.start(memory))
        np.testing.assert_allclose(over.weights[0].mean(0), output.attention[0].numpy(), atol=1e-5)


def _padded(reader: PairReader, ids: list[int]) -> Any:
    from s2s.text.padding import pad

    return pad([ids]).moved(reader.array)


def test_the_command_writes_a_page(view: View, tmp_path: Path) -> None:
    transformer_model().save(tmp_path / "model", {})
    assert view("model", LINES[0], "--target", "dogs </script>") == (0, "heads.html\n", "")
    data = data_of((tmp_path / "heads.html").read_text(encoding="utf-8"))
    assert [each["grid"] for each in data["attentions"]] == [None] * 3
    assert len(data["attentions"][0]["weights"]) == 2
    assert view("model", LINES[0])[2].startswith("error: heads.html: already exists; ")


def test_what_has_no_heads_is_told(view: View, tmp_path: Path) -> None:
    tiny_model().save(tmp_path / "lstm", {})
    assert view("lstm", LINES[0]) == (
        2,
        "",
        "error: lstm: neither its encoder nor its decoder is a Transformer, so it has no heads; see its attention with "
        "`translate --attention PAGE.html`\n",
    )
    transformer_model().save(tmp_path / "model", {})
    for given, message in (
        ((" ",), "INPUT is blank; give a sentence"),
        (("a\nb",), "INPUT has several lines; give one sentence"),
        (("a", "--output", "page.txt"), "--output page.txt: the file name must end in .html"),
        (("dogs " * 300,), "the sentence has "),
    ):
        code, _, error = view("model", *given)
        assert code == 2
        assert message in error
    assert not list(tmp_path.glob("*.html"))


def test_the_heads_of_a_captioner_lie_on_the_photograph(tmp_path: Path) -> None:
    model = world.model(world.recipe(decoder=world.TRANSFORMER))
    model.network.eval()
    Image.new("RGB", (60, 30), "red").save(tmp_path / "wide.png")
    heads = photograph_heads(model, tmp_path / "wide.png", "A red thing.")
    over, own = heads.attentions
    assert over.grid == (world.CELLS, world.CELLS)
    assert over.weights.shape == (2, 2, len(over.rows), world.CELLS**2)
    np.testing.assert_allclose(over.weights.sum(-1), 1, rtol=1e-5)
    assert (over.rows[0], over.rows[-1], own.rows[0]) == ("a", "</s>", "<s>")
    data = data_of(heads_page(heads, "wide.png"))
    assert data["size"] == [60, 30]
    assert data["box"] == [0, 0, 1, 1]
    assert data["photograph"].startswith("data:image/webp;base64,")
    assert photograph_heads(model, tmp_path / "wide.png").attentions[0].rows[-1] == "</s>"
    assert isinstance(model, CaptioningModel)

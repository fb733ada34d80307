"""The command shifts the output's bias by the words' frequency and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import captioning_fixtures as world
import pytest
import torch
from PIL import Image

from captioning.model import CaptioningModel
from captioning.rebalance import BIAS, rebalance
from s2s.cli import command
from s2s.storage.model_directory import read_model


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of a model of coloured squares, and captions in which red is frequent and blue is not."""
    monkeypatch.setattr("captioning.model.empty_backbone", lambda _: world.backbone())
    world.model().save(tmp_path / "model", {})
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    captions = ["red red red", "red red blue", "red red"]
    (tmp_path / "train.csv").write_text("image,caption\n" + "".join(f"a.png,{caption}\n" for caption in captions))
    return [str(tmp_path / "model"), "--train", str(tmp_path / "train.csv"), "--output", str(tmp_path / "new")]


def test_a_frequent_word_loses_a_share_of_its_logarithm(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rebalance([*arguments, "--strength", "0.5"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'new'}\n"
    old, new = read_model(tmp_path / "model"), read_model(tmp_path / "new")
    shift = (new.tensors[BIAS] - old.tensors[BIAS]).float()
    red, blue, green = (world.vocabulary().encode(word)[0] for word in ("red", "blue", "green"))
    expected = 0.5 * torch.tensor([8 / 2, 2 / 1]).log()  # of counts to which 1 is added: 7 red, 1 blue, no green
    torch.testing.assert_close(
        torch.stack([shift[blue] - shift[red], shift[green] - shift[blue]]), expected, atol=NEAR, rtol=0.0
    )
    assert shift.mean().item() == pytest.approx(0, abs=1e-3)
    changed = [name for name, tensor in old.tensors.items() if not tensor.equal(new.tensors[name])]
    assert changed == [BIAS]
    CaptioningModel.load(tmp_path / "new")


NEAR = 2e-3  # weights are stored in 16 bits


def test_what_cannot_be_done_is_told(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(rebalance, [*arguments, "--strength", "2"]) == 2
    (tmp_path / "new").mkdir()
    assert command.run(rebalance, arguments) == 2
    assert [line.partition(":")[2] for line in capsys.readouterr().err.splitlines()] == [
        " --strength is 2: choose 0 to 1",
        f" {tmp_path / 'new'}: already exists; choose another --output",
    ]

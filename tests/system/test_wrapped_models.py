"""Training calls the model and nothing inside it, so that DistributedDataParallel may stand around the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
import torch
from torch import Tensor, nn
from translation_fixtures import TEXT, task_of

from captioning.recipe import SelfCriticalConfig
from captioning.self_critical import SelfCriticalTask
from captioning.task import CaptioningTask
from s2s.storage.run_directory import RunDirectory
from s2s.text.vocabulary import WordVocabulary
from s2s.training.configuration import TrainingConfig
from s2s.training.task import Task
from s2s.training.trainer import Trainer
from translation.minimum_risk import MinimumRiskTask
from translation.recipe import MinimumRiskConfig

CPU = torch.device("cpu")
INPUTS = (world.Stored(), world.Stored())


class Wrapper(nn.Module):
    """A module that only forwards its call, as DistributedDataParallel does."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *arguments: Any, **options: Any) -> Any:
        return self.module(*arguments, **options)


def translator() -> Any:
    words = WordVocabulary.from_lines([*TEXT.source, *TEXT.target])
    return task_of(words)


def minimum_risk() -> Any:
    plain = translator()
    recipe = replace(plain.recipe, start=Path(), minimum_risk=MinimumRiskConfig(width=2))
    return MinimumRiskTask(recipe, plain.data, plain.model, CPU)


def captioner() -> Any:
    recipe = world.recipe(together=2)
    return CaptioningTask(recipe, world.prepared(), world.model(recipe), INPUTS, CPU)


def self_critical() -> Any:
    recipe = world.recipe(start=Path(), self_critical=SelfCriticalConfig(samples=3))
    return SelfCriticalTask(recipe, world.prepared(), world.model(recipe), INPUTS, CPU)


def trained(task: Task[Any], network: nn.Module, path: Path, wrapped: bool) -> dict[str, Tensor]:
    """The weights after one epoch: rehearsal, steps, validation and all."""
    network.train()
    with RunDirectory.create(path, "") as run:
        model = Wrapper(network) if wrapped else network
        Trainer(task, model, TrainingConfig(epochs=1, precision="float32"), run, {}).train()
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("make", [translator, minimum_risk, captioner, self_critical])
def test_a_wrapped_model_is_trained_to_the_same_weights(make: Any, tmp_path: Path) -> None:
    results = []
    for wrapped in (False, True):
        task = make()
        before = {name: tensor.clone() for name, tensor in task.network.state_dict().items()}
        results.append(trained(task, task.network, tmp_path / str(wrapped), wrapped))
        assert any(not torch.equal(before[name], tensor) for name, tensor in results[-1].items())
    assert all(torch.equal(results[0][name], tensor) for name, tensor in results[1].items())

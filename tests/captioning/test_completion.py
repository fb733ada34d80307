"""What a captioning recipe leaves out, and how it is filled in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest

from captioning.completion import STEPS, complete
from captioning.recipe import Recipe
from s2s.config import differences, from_dict, to_toml


def table(folder: Path, count: int, **more: Any) -> dict[str, Any]:
    """A recipe for so many captions, as read from TOML."""
    rows = [f"{number}.png,a dog" for number in range(count)]
    for name in ("train.csv", "validation.csv"):
        (folder / name).write_text("\n".join(["image,caption", *rows]) + "\n")
    return {"data": {"train": str(folder / "train.csv"), "validation": str(folder / "validation.csv")}, **more}


def completed(recipe: dict[str, Any]) -> Recipe:
    assert list(complete(recipe)) == []
    return from_dict(Recipe, recipe)


def test_twenty_captions_have_steps_enough_and_a_short_warmup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = completed(table(tmp_path, 20))
    training = recipe.training
    steps = training.epochs * 20 // recipe.captions
    assert recipe.captions == 4
    assert steps == STEPS
    assert training.schedule.warmup_steps == steps / 10
    assert training.validate_every == 4
    assert capsys.readouterr().err == (
        "chosen for 20 captions: captions = 4, training.epochs = 80, training.schedule.warmup_steps = 40, "
        "training.validate_every = 4\n"
    )


def test_thousands_of_captions_have_the_usual_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = table(tmp_path, 20_000)
    assert completed(recipe) == from_dict(Recipe, recipe)
    assert capsys.readouterr().err == ""


def test_what_a_recipe_says_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {"epochs": 3, "validate_every": 1, "schedule": {"warmup_steps": 7}}
    given = table(tmp_path, 20, captions=10, training=sizes)
    recipe = completed(given)
    assert (recipe.captions, recipe.training.epochs, recipe.training.schedule.warmup_steps) == (10, 3, 7)
    assert capsys.readouterr().err == ""
    short = completed(table(tmp_path, 20, training={"epochs": 2}))
    assert short.training.schedule.warmup_steps == 1
    assert "training.epochs" not in capsys.readouterr().err


def test_a_resumed_run_keeps_its_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also if captions came: then the data have changed, and not the recipe."""
    first = completed(table(tmp_path, 20))
    before = tmp_path / "recipe.toml"
    before.write_text(to_toml(first))
    capsys.readouterr()
    given = table(tmp_path, 60, training={"validate_every": 2})
    assert list(complete(given, before)) == []
    resumed = from_dict(Recipe, given)
    assert differences(first, resumed) == ["training.validate_every"]
    assert capsys.readouterr().err == ""


def test_self_critical_training_keeps_its_own_values(tmp_path: Path) -> None:
    given = table(tmp_path, 20, self_critical={}, start="flickr8k")
    recipe = completed(given)
    assert (recipe.captions, recipe.training.epochs) == (Recipe.captions, 20)


@pytest.mark.parametrize("wrong", [{}, {"data": 3}, {"data": {"train": "nowhere.csv"}}, {"training": 5}, {"image": 1}])
def test_a_recipe_that_is_wrong_is_left_to_those_who_tell_it(wrong: dict[str, Any]) -> None:
    assert list(complete(dict(wrong))) == []


def test_a_recipe_with_a_start_may_leave_the_shape_out(tmp_path: Path) -> None:
    world.model().save(tmp_path / "model", {})
    given = table(tmp_path, 20, start=str(tmp_path / "model"), decoder={"dropout": {"output": 0.1}})
    recipe = completed(given)
    assert (recipe.image.backbone, recipe.image.preprocessing.size) == ("squares", world.SIZE)
    assert (recipe.encoder.dim, recipe.decoder.dim) == (16, 24)  # type: ignore[union-attr]
    assert recipe.decoder.dropout.output == 0.1  # type: ignore[union-attr]
    (tmp_path / "model" / "config.json").write_text("{")
    (mistake,) = complete(table(tmp_path, 20, start=str(tmp_path / "model")))
    assert mistake.startswith("start: ")


def test_the_recipe_of_flickr8k_says_all_that_would_be_chosen() -> None:
    path = Path(__file__).resolve().parents[2] / "captioning" / "recipes" / "flickr8k.toml"
    recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    assert {"captions"} <= recipe.keys()
    assert {"epochs"} <= recipe["training"].keys()
    assert recipe["training"]["schedule"]["warmup_steps"] == 300

"""The recipes of labelling load, where the files that they name are there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from labelling.recipe import ClassifierRecipe, TaggerRecipe
from s2s.config import from_dict, load, to_dict, to_toml

RECIPES = sorted((Path(__file__).resolve().parents[2] / "labelling" / "recipes").glob("*.toml"))
TAGGERS = {"ud-english-ewt", "toy-again"}
FRAMES = {"toy-films"}  # of another schema; tests/test_lecture.py trains with it


@pytest.mark.parametrize("path", [path for path in RECIPES if path.stem not in FRAMES], ids=lambda path: path.name)
def test_a_recipe_loads_and_comes_back_from_what_a_run_keeps_of_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tomllib.loads(path.read_text())["data"]
    monkeypatch.chdir(tmp_path)
    for name in [*data["train"], data["validation"]]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    schema = TaggerRecipe if path.stem in TAGGERS else ClassifierRecipe
    recipe = load(path, schema)
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(recipe))
    assert load(copy, schema) == from_dict(schema, to_dict(recipe)) == recipe


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES} > {"sst2", "trec", *TAGGERS, *FRAMES}

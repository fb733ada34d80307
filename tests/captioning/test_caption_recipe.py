"""Captioning recipes: the shipped ones load, and what cannot be together is named before anything is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from captioning.recipe import Recipe
from s2s import config
from s2s.errors import UserError

RECIPES = sorted((Path(__file__).resolve().parents[2] / "captioning" / "recipes").glob("*.toml"))


@pytest.fixture
def minimal(tmp_path: Path) -> dict[str, Any]:
    """The smallest recipe there can be, of paths that exist."""
    return {"data": {"train": str(tmp_path), "validation": str(tmp_path)}, "start": str(tmp_path)}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_loads_once_its_files_are_there(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    data = table["data"]
    files = [corpus[key] for corpus in data.get("corpora", []) for key in ("path", "images") if key in corpus]
    for name in filter(None, [data["validation"], data.get("train"), data.get("images"), table.get("start"), *files]):
        assert not Path(name).is_absolute()
        Path(name).mkdir(parents=True)
    recipe = config.load(path, Recipe)
    Path("written.toml").write_text(config.to_toml(recipe), encoding="utf-8")
    assert config.load(Path("written.toml"), Recipe) == recipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "none", "self_critical": {}}, "set start to its directory"),
        ({"start": "nowhere"}, "start: nowhere: no such directory, and no bundled model has this name"),
        ({"language": "german"}, "language: 'german' is not a language code"),
        ({"language": "fr"}, "image.mirror: what left and right are called"),
        ({"language": "de", "vocabulary": {"text": "treebank"}}, "vocabulary.text: treebank is for English"),
        (
            {"language": "fr", "image": {"mirror": False}, "self_critical": {"reward": {"repetition": 1}}},
            "self_critical.reward: which words are content words is known for en, de, not for fr",
        ),
        ({"image": {"weights": "cnn.pth"}}, "image: weights: cnn.pth is not a file"),
        ({"data": {"train": "a.csv", "validation": "b.csv"}}, "data: a.csv does not exist"),
        ({"data": {"validation": "."}}, "there is nothing to train on: set train, or corpora"),
        ({"data": {"validation": ".", "corpora": [{"path": "c.csv"}]}}, "c.csv does not exist"),
        ({"self_critical": {"reward": {"cider_d": 0, "repetition": 1}}}, "all rewards have the weight 0"),
        (
            {"scheduled_sampling": 0.2},
            "scheduled_sampling needs another decoder.kind: parallel reads all words at once",
        ),
        ({"doubly_stochastic": 1.0, "decoder": {"wiring": "show_and_tell"}}, "show_and_tell has none"),
        (
            {"scheduled_sampling": 0.2, "decoder": {"kind": "top_down"}, "self_critical": {}},
            "cannot be combined with self_critical",
        ),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], message: str, minimal: dict[str, Any]) -> None:
    config.from_dict(Recipe, minimal)
    with pytest.raises(UserError) as error:
        config.from_dict(Recipe, minimal | changes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wiring", ["top_down", "show_attend_tell", "input_feeding"])
def test_a_sequential_wiring_may_have_both_terms(wiring: str, minimal: dict[str, Any]) -> None:
    changes = {"scheduled_sampling": 0.25, "doubly_stochastic": 1.0, "decoder": {"kind": wiring}}
    assert config.from_dict(Recipe, minimal | changes).scheduled_sampling == 0.25

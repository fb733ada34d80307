"""Shipped recipes load, and combinations that cannot be are named, all at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from s2s import config
from s2s.errors import UserError
from translation.recipe import Recipe

RECIPES = sorted((Path(__file__).resolve().parents[2] / "translation" / "recipes").glob("*.toml"))


@pytest.fixture
def minimal(tmp_path: Path) -> dict[str, Any]:
    """The smallest recipe there can be, of files that exist."""
    for name in ("train.en", "train.de", "val.en", "val.de"):
        (tmp_path / name).write_text("x\n")
    data = {
        "train_source": [str(tmp_path / "train.en")],
        "train_target": [str(tmp_path / "train.de")],
        "validation_source": str(tmp_path / "val.en"),
        "validation_target": str(tmp_path / "val.de"),
        "source_language": "en",
        "target_language": "de",
    }
    return {"data": data, "batch": {"sentences": 80}}


def refused(table: dict[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        config.from_dict(Recipe, table, source="recipe")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("path", [path for path in RECIPES if "More keys" in path.read_text()], ids=lambda p: p.stem)
def test_keys_in_comments_have_the_values_that_stand_beside_them(path: Path, minimal: dict[str, Any]) -> None:
    _, _, rest = path.read_text().partition("# More keys")
    told = tomllib.loads("\n".join(line[1:] for line in rest.split("\n") if " = " in line))
    read = config.to_dict(config.from_dict(Recipe, minimal))
    given = config.to_dict(config.from_dict(Recipe, {**minimal, **told}))
    assert told
    assert read == given


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_loads_once_its_files_are_there(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "parent" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    data = table["data"]
    if "start" in table:
        assert not Path(table["start"]).is_absolute()
        Path(table["start"]).mkdir(parents=True)
    named = [value for key, value in data.items() if key.startswith(("train_", "validation_"))]
    files = [Path(name) for value in named for name in ([value] if isinstance(value, str) else value)]
    corpora = data.get("corpora", [])
    files += [Path(corpus[key]) for corpus in corpora for key in ("source", "target", "path") if key in corpus]
    picture = table.get("picture", {})
    files += [Path(name) for name in [*picture.get("train", []), *filter(None, [picture.get("validation")])]]
    assert not any(name.is_absolute() for name in files)
    with pytest.raises(UserError) as error:
        config.load(path, Recipe)
    assert str(error.value).count("is not a file") == len(files)
    assert f" {len(files)} mistakes: data: " in str(error.value)  # and no others

    for name in files:
        name.parent.mkdir(parents=True, exist_ok=True)
        name.touch()
    recipe = config.load(path, Recipe)
    assert config.from_dict(Recipe, config.to_dict(recipe)) == recipe
    (here / "written.toml").write_text(config.to_toml(recipe), encoding="utf-8")
    assert config.load(here / "written.toml", Recipe) == recipe


def test_what_is_left_out_is_the_default(minimal: dict[str, Any]) -> None:
    recipe = config.from_dict(Recipe, minimal)
    assert (recipe.batch.sentences, recipe.batch.tokens) == (80, None)
    assert recipe.tie_embeddings == recipe.vocabulary.joint


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("batch", {"tokens": 2000}, "batch: set either sentences or tokens"),
        ("batch", {"sentences": "none"}, "batch: set either sentences or tokens"),
        ("vocabulary", {"kind": "unigram", "bpe_dropout": 0.1}, "bpe_dropout needs kind = \"bpe\", not 'unigram'"),
        ("vocabulary", {"kind": "word", "bpe_dropout": 0.1}, "bpe_dropout needs kind = \"bpe\", not 'word'"),
        ("vocabulary", {"joint": False}, "tie_embeddings needs vocabulary.joint"),
        ("vocabulary", {"kind": "words"}, "did you mean 'word'?"),
        ("data", {"train_source": []}, "0 train_source files but 1 train_target files"),
        (
            "data",
            {"train_source": [], "train_target": []},
            "there is no text to train on: set train_source and train_target, or corpora",
        ),
        ("data", {"validation_target": "no.de"}, "no.de is not a file (paths are relative to the current directory)"),
        ("data", {"corpora": [{"kind": "tsv", "path": "no.tsv"}]}, "no.tsv is not a file"),
        (
            "data",
            {"corpora": [{"source": "a", "weight": 0}]},
            "'data.corpora[0].weight': expected at most 1000 and above 0",
        ),
        ("data", {"corpora": [{"kind": "csv"}]}, "expected one of 'files', 'tsv', got 'csv'"),
        ("data", {"temperature": 0.5}, "'data.temperature': expected at least 1"),
        ("data", {"train_source": ["."]}, ". is not a file"),
        ("data", {"target_language": "german"}, "target_language: 'german' is not a language code; use one such as de"),
        ("data", {"source_language": ""}, "source_language: '' is not a language code"),
        ("cleaning", {"max_ratio": 0.5}, "'cleaning.max_ratio': expected at least 1, got 0.5"),
        ("decoder", {"dim": 0}, "'decoder.dim': expected at least 1"),
        ("minimum_risk", {}, "minimum_risk continues the training of a model: set start to its directory"),
        ("minimum_risk", {"width": 1}, "'minimum_risk.width': expected at least 2"),
        ("encoder", {"word_drpout": 0.1}, "did you mean 'word_dropout'?"),
    ],
)
def test_what_cannot_be_is_named(section: str, changes: dict, message: str, minimal: dict[str, Any]) -> None:
    minimal[section] = {**minimal.get(section, {}), **changes}
    assert message in refused(minimal)


def test_own_embeddings_may_have_own_vocabularies(minimal: dict[str, Any]) -> None:
    minimal |= {"vocabulary": {"joint": False}, "tie_embeddings": False}
    assert not config.from_dict(Recipe, minimal).vocabulary.joint


def test_all_mistakes_are_told_at_once(minimal: dict[str, Any]) -> None:
    minimal["data"]["validation_source"] = "no.en"
    minimal["batch"]["tokens"] = 100
    minimal["vocabulary"] = {"kind": "character", "bpe_dropout": 0.5}
    minimal["label_smoothing"] = 1.0
    told = refused(minimal)
    assert told.startswith("recipe: 4 mistakes: ")
    for part in ("no.en is not a file", "either sentences or tokens", "bpe_dropout needs", "'label_smoothing'"):
        assert part in told


def test_minimum_risk_and_r_drop_are_not_for_one_training(minimal: dict[str, Any]) -> None:
    minimal |= {"minimum_risk": {}, "r_drop": 1.0, "start": "."}
    assert "r_drop cannot be combined with minimum_risk: remove one of them" in refused(minimal)

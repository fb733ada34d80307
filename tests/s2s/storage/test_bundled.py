"""Bundled models are found by name; an existing directory comes first, and a wrong name is told with the right ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_fixtures import install

from s2s.errors import UserError
from s2s.storage.bundled import BundledModel, bundled_models, find_model


def write(directory: Path, card: str | None = None) -> Path:
    directory.mkdir(parents=True)
    (directory / "config.json").write_bytes(b"x" * 300_000)
    (directory / "model.safetensors").write_bytes(b"x" * 1_200_000)
    if card is not None:
        (directory / "README.md").write_text(card)
    return directory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two models; the current folder is another one."""
    write(tmp_path / "models" / "en-fr", "# English to French\n\nMore.")
    write(tmp_path / "models" / "fr-en")
    (tmp_path / "models" / "no model").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "models"


def test_a_model_is_found_by_its_name(folder: Path) -> None:
    assert find_model("en-fr", "sums", folder) == folder / "en-fr"


def test_an_existing_directory_comes_before_a_name(folder: Path) -> None:
    Path("en-fr").mkdir()
    assert find_model("en-fr", "sums", folder) == Path("en-fr")
    Path("en-fr").rename("en-fr.old")  # as in the middle of its replacement
    assert find_model("en-fr", "sums", folder) == Path("en-fr")
    assert find_model(folder / "fr-en", "sums", folder) == folder / "fr-en"


def test_a_file_does_not_hide_a_name(folder: Path) -> None:
    Path("en-fr").touch()
    assert find_model("en-fr", "sums", folder) == folder / "en-fr"


def test_an_unknown_name_is_told_with_the_known_ones(folder: Path) -> None:
    message = "xx: no such directory, and no bundled model has this name; the bundled models are en-fr, fr-en"
    with pytest.raises(UserError, match=f"^{message}$"):
        find_model("xx", "sums", folder)
    with pytest.raises(UserError, match=r"has this name; no models are bundled$"):
        find_model("xx", "sums", folder / "none")


def test_models_of_another_kind_are_not_found(folder: Path) -> None:
    unfit = "flickr8k: is a bundled model of kind 'captioning', which this command cannot use"
    with pytest.raises(UserError, match=rf"^{unfit}; the bundled models are en-fr, fr-en$"):
        find_model("flickr8k", "sums", folder)


def test_the_list_tells_size_and_purpose(folder: Path) -> None:
    first, second = bundled_models("sums", folder)
    assert first == BundledModel("sums", folder / "en-fr")
    assert (first.name, first.purpose) == ("en-fr", "English to French")
    assert f"{first.megabytes:.1f}" == "1.5"
    assert second.purpose == "(no model card)"


def test_models_of_third_parties_are_listed_and_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "site")
    install(tmp_path / "site", "more", "[s2s.models]\nsums = more.models\n")
    for name in ("en-fr", "en-sw"):
        write(tmp_path / "site" / "more" / "models" / name)
    assert find_model("en-sw", "sums", folder) == tmp_path / "site" / "more" / "models" / "en-sw"
    assert find_model("en-fr", "sums", folder) == folder / "en-fr"
    assert [model.name for model in bundled_models("sums", folder)] == ["en-fr", "en-sw", "fr-en"]
    names = [(model.kind, model.name) for model in bundled_models()]
    assert names == sorted(names)
    assert {("translation", "en-de"), ("captioning", "flickr8k"), ("sums", "en-sw")} <= set(names)

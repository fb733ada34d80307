from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.flickr8k import LISTS, flickr8k, prepare_flickr8k, read_tokens
from s2s.cli import command
from s2s.errors import UserError

SPLITS = {"train": ["a.jpg", "b.jpg"], "validation": ["c.jpg"], "test": ["d.jpg"]}
CAPTIONS = {name: [f"what is on {name} , {number}" for number in range(5)] for name in "abcd"}


@pytest.fixture(params=[0, 1])
def raw(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder in the manner of the authors' archive, or the one with captions.csv."""
    form, folder = request.param, tmp_path / "raw"
    images = folder / ("Flicker8k_Dataset", "images")[form]
    images.mkdir(parents=True)
    for names in SPLITS.values():
        for name in names:
            (images / name).touch()
    for split, names in SPLITS.items():
        (folder / LISTS[split][form]).write_text("".join(f"{name}\n" for name in names))
    rows = [(f"{name}.jpg", number, text) for name, texts in CAPTIONS.items() for number, text in enumerate(texts)]
    rows.append(("e.jpg.1", 0, "a name with a slip"))  # as there are in the authors' file
    if form == 0:
        text = "".join(f"{name}#{number}\t{caption}\n" for name, number, caption in rows)
        (folder / "Flickr8k.token.txt").write_text(text)
    else:
        text = "".join(f'{name},"{caption}"\n' for name, _, caption in rows)
        (folder / "captions.csv").write_text(f"image,caption\n{text}")
    return folder


def run(*arguments: object) -> int:
    return command.run(flickr8k, list(map(str, arguments)))


def test_each_split_has_its_pictures_and_captions(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "data"
    assert run("--from", raw, "--output", output) == 0
    for split, names in SPLITS.items():
        records = [json.loads(line) for line in (output / f"{split}.jsonl").read_text().splitlines()]
        assert [(output / record["image"]).resolve().name for record in records] == names
        assert [record["captions"] for record in records] == [CAPTIONS[name[0]] for name in names]
        assert all((output / record["image"]).exists() for record in records)
    captured = capsys.readouterr()
    assert captured.out.split() == [str(output / f"{split}.jsonl") for split in SPLITS]
    assert "kept 2 of 2 images, 10 captions" in captured.err
    assert "left out images in no split 1 (e.jpg.1)" in captured.err


def test_equal_captions_go_from_training_only(raw: Path) -> None:
    source = next(path for path in raw.iterdir() if path.name in ("captions.csv", "Flickr8k.token.txt"))
    source.write_text(source.read_text().replace(", 1", ", 0"))
    splits, reports = prepare_flickr8k(raw)
    assert [len(splits[name][0].captions) for name in SPLITS] == [4, 5, 5]
    assert "duplicate caption 2" in reports[0]


def test_what_is_listed_but_not_there_is_reported(raw: Path) -> None:
    next(raw.rglob("b.jpg")).unlink()
    listing = next(raw / name for name in LISTS["train"] if (raw / name).exists())
    listing.write_text("a.jpg\na.jpg\n\nb.jpg\nnone.jpg\n")
    splits, reports = prepare_flickr8k(raw)
    assert len(splits["train"]) == 1
    assert f"line 5 of {listing.name}" in reports[0]
    assert "kept 1 of 3 images" in reports[0]
    assert "missing image 2" in reports[0]


def test_a_picture_in_two_splits_is_an_error(raw: Path) -> None:
    listing = next(raw / name for name in LISTS["test"] if (raw / name).exists())
    listing.write_text("d.jpg\na.jpg\n")
    with pytest.raises(UserError, match=rf"{listing.name}: line 2: a\.jpg is in train, too"):
        prepare_flickr8k(raw)


def test_the_photographs_may_lie_elsewhere(raw: Path, tmp_path: Path) -> None:
    images = next(raw.rglob("a.jpg")).parent
    images.rename(tmp_path / "photographs")
    with pytest.raises(UserError, match="has no images or Images or Flicker8k_Dataset"):
        prepare_flickr8k(raw)
    assert prepare_flickr8k(raw, tmp_path / "photographs")[0]["test"][0].path == tmp_path / "photographs" / "d.jpg"


def test_a_folder_without_flickr8k(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--from", tmp_path, "--output", tmp_path / "data") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: has no Flickr8k.token.txt or captions.csv")
    assert run("--from", tmp_path / "none", "--output", tmp_path / "data") == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("line", ["a.jpg a dog", "a.jpg#0 a dog", "a.jpg\ta dog", "a.jpg#x\ta dog", ""])
def test_a_line_of_another_form_is_an_error(tmp_path: Path, line: str) -> None:
    source = tmp_path / "Flickr8k.token.txt"
    source.write_text(f"a.jpg#0\tone\n{line}\n")
    with pytest.raises(UserError, match=r"Flickr8k\.token\.txt: line 2: is not NAME"):
        list(read_tokens(source))


def test_the_shared_copy_is_whole(shared_data: Path) -> None:
    splits, _ = prepare_flickr8k(shared_data / "flickr8k")
    assert {name: len(images) for name, images in splits.items()} == {"train": 6000, "validation": 1000, "test": 500}
    assert all(len(image.captions) == 5 for name in ("validation", "test") for image in splits[name])

"""Toy films: the same for the same seed, labelled by what is seen, and as likely in reverse."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from data_prep import toy_films
from data_prep.toy_films import Draw, films, picture, poses
from labelling.frames.corpus import read_films
from s2s.cli import command


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_films, "FILMS", {"train": 3, "val": 1, "test": 2})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def test_the_films_depend_on_the_seed_only(tmp_path: Path) -> None:
    for name, seed in (("one", "1"), ("again", "1"), ("other", "2")):
        assert command.run(toy_films.toy_films, ["--output", str(tmp_path / name), "--seed", seed]) == 0
    one, again, other = (contents(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again != other
    assert [len(read_films(tmp_path / "one" / split)) for split in ("train", "val", "test")] == [3, 1, 2]


def test_films_that_are_there_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "mine.txt").write_text("mine")
    assert command.run(toy_films.toy_films, ["--output", str(tmp_path)]) == 2
    assert "val: already exists" in capsys.readouterr().err
    assert contents(tmp_path) == {"val/mine.txt": b"mine"}
    assert command.run(toy_films.toy_films, ["--output", str(tmp_path), "--force"]) == 0
    assert len(read_films(tmp_path / "val")) == 1


def test_a_shape_enters_turns_and_leaves(tmp_path: Path) -> None:
    for film in films(Draw(3), 20):
        labels = [label for _, label in film]
        order = list(dict.fromkeys(label for label in labels if label != "empty"))
        assert order == ["enters", "turns", "leaves"]
        flat = [len(image.getcolors() or ()) == 1 for image, _ in film]
        assert flat == [label == "empty" for label in labels]  # a shape is seen exactly where a label says so


def test_a_film_in_reverse_is_as_likely() -> None:
    """So the frames of both movements are alike: a single one does not say in which direction a shape moves."""
    draw, distances = Draw(1), {"enters": list[float](), "leaves": list[float]()}
    for _ in range(2000):
        film = [pose for pose in poses(draw) if pose.label in distances]
        for pose in film:
            distances[pose.label].append(pose.distance)
        entering = [pose.distance for pose in film if pose.label == "enters"]
        assert entering == sorted(entering, reverse=True)
    means = [sum(each) / len(each) for each in distances.values()]
    assert means[0] == pytest.approx(means[1], abs=0.005)


def test_a_turned_square_is_another_picture() -> None:
    pose = toy_films.Pose("turns", 0.0, 0.0, 0.0)
    one = picture("square", "black", "white", pose)
    other = picture("square", "black", "white", toy_films.Pose("turns", 0.0, 0.0, 1 / 8))
    assert one.size == other.size == (toy_films.SIDE, toy_films.SIDE)
    assert one.tobytes() != other.tobytes()
    assert isinstance(one, Image.Image)

"""`caption --sidecars`: side files, files of results that go on, names that are told apart."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
from PIL import Image

from captioning.caption import caption
from captioning.captioner import Captioner
from captioning.results import read_results
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError

Start = Callable[..., int]


@pytest.fixture
def captioned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that were given to the model, instead of the bundled one."""
    names: list[str] = []

    class Counting(Captioner):
        def caption_stream(self, pictures: Any) -> Any:
            for found in super().caption_stream(pictures):
                names.append(Path(found.name).name)
                yield found

    def load(*_: Any, n_best: int = 1, **__: Any) -> Captioner:
        model = world.model()
        model.network.eval()
        return Counting(model.engine("float32"), BeamOptions(3, n_best), batch=2)

    monkeypatch.setattr("captioning.caption.load", load)
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of four pictures and a broken one, below the current folder."""
    for name, colour in zip(("a.png", "b.jpg", "sub/a.png", "sub/d.png"), world.COLOURS.values()):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), colour).save(tmp_path / "p" / name)
    (tmp_path / "p" / "c.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "p"


def sound(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_bytes())


def test_a_rerun_passes_over_what_is_done_and_continues_all_files(
    folder: Path, captioned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["p", "--sidecars", "--json", "r.json", "--csv", "r.csv", "--jsonl", "r.jsonl"]
    assert caption(run) == 1
    assert len(captioned) == 5
    printed = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert {path.relative_to(folder.parent).with_suffix("").as_posix() for path in folder.rglob("*.txt")} == {
        "p/a",
        "p/b",
        "p/sub/a",
        "p/sub/d",
    }
    assert (folder / "sub" / "d.txt").read_text() == f"{printed['p/sub/d.png']}\n"
    first = {name: Path(name).read_bytes() for name in ("r.json", "r.csv")}
    (folder / "sub" / "a.txt").unlink()
    (folder / "b.txt").write_text("\n a dog of mine \nand more\n")
    captioned.clear()
    assert caption(run) == 1
    assert captioned == ["c.jpg", "a.png"]
    captions = {entry["path"]: entry["caption"] for entry in sound(Path("r.json"))}
    assert captions == {path.removeprefix("p/"): text for path, text in printed.items()} | {"b.jpg": "a dog of mine"}
    rows = list(csv.DictReader(Path("r.csv").read_text().splitlines()))
    assert {row["image"]: row["caption"] for row in rows} == captions
    assert len(rows) == 4
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert {line["path"]: line["caption"] for line in lines} == {**captions, "c.jpg": None}
    assert [line["path"] for line in lines if "problem" in line] == ["c.jpg"]
    assert len(lines) == 5
    for name, content in first.items():  # with --force it is as it was
        assert caption([*run, "--force"]) == 1
        assert Path(name).read_bytes() == content


def test_side_files_enter_a_file_that_is_new(folder: Path, captioned: list[str]) -> None:
    (folder / "a.txt").write_text("mine")
    assert caption(["p", "--sidecars", "--json", "r.json"]) == 1
    assert "a.png" in captioned  # the other one
    assert captioned.count("a.png") == 1
    entry = next(entry for entry in sound(Path("r.json")) if entry["path"] == "a.png")
    assert entry == {"image_id": "a.png", "caption": "mine", "path": "a.png"}
    assert (folder / "a.txt").read_text() == "mine"


def test_one_name_in_two_folders_is_two_entries(folder: Path, captioned: list[str]) -> None:
    Image.new("RGB", (9, 9)).save(folder / "COCO_val2014_000000000042.jpg")
    Image.new("RGB", (9, 9)).save(folder / "sub" / "000000000042.png")
    Image.new("RGB", (9, 9)).save(folder / "036000291452.png")
    Image.new("RGB", (9, 9)).save(folder / "000000000007.png")
    caption(["p", "--json", "r.json"])
    ids = {entry["path"]: entry["image_id"] for entry in sound(Path("r.json"))}
    assert ids == {
        "000000000007.png": 7,
        "036000291452.png": "036000291452.png",
        "COCO_val2014_000000000042.jpg": "COCO_val2014_000000000042.jpg",
        "a.png": "a.png",
        "b.jpg": "b.jpg",
        "sub/000000000042.png": "sub/000000000042.png",
        "sub/a.png": "sub/a.png",
        "sub/d.png": "d.png",
    }
    assert set(read_results(Path("r.json"))) == set(ids.values())


def test_a_name_that_comes_later_gets_no_name_that_is_taken(folder: Path, captioned: list[str]) -> None:
    run = ["p", "--sidecars", "--json", "r.json"]
    caption(run)
    (folder / "new").mkdir()
    Image.new("RGB", (9, 9)).save(folder / "new" / "d.png")
    caption(run)
    ids = {entry["path"]: entry["image_id"] for entry in sound(Path("r.json"))}
    assert ids["sub/d.png"] == "d.png"
    assert ids["new/d.png"] == "new/d.png"
    caption(["p/new", "--sidecars", "--json", "r.json"])  # another folder: its paths are others
    assert len({entry["image_id"] for entry in sound(Path("r.json"))}) == 6


def test_two_pictures_never_share_a_side_file(
    folder: Path, captioned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (9, 9)).save(folder / "a.gif")
    for _ in range(2):
        assert caption(["p", "--sidecars"]) == 1
        assert "a.gif, a.png: share their names with other pictures" in capsys.readouterr().err
    assert sorted(path.name for path in folder.glob("*.txt")) == ["a.gif.txt", "a.png.txt", "b.txt"]
    assert captioned.count("a.gif") == 1
    assert caption(["p/a.png", "--sidecars"]) == 0  # alone, it has the same one
    assert captioned.count("a.png") == 2  # sub/a.png was the other


def test_a_blank_side_file_is_none_and_a_damaged_one_is_told(
    folder: Path, captioned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.txt").write_text(" \n")
    (folder / "b.txt").write_bytes(b"caf\xe9")
    assert caption(["p", "--sidecars", "--json", "r.json"]) == 1
    assert (folder / "a.txt").read_text().strip()
    assert (folder / "b.txt").read_bytes() == b"caf\xe9"
    assert "b.jpg: its side file p/b.txt is unreadable (not UTF-8)" in capsys.readouterr().err
    assert "b.jpg" not in captioned


def test_a_suffix_of_one_s_own(folder: Path, captioned: list[str]) -> None:
    run = ["p", "--sidecars", "--sidecar-suffix", ".words"]
    for _ in range(2):
        caption(run)
    assert len(captioned) == 6  # the broken one twice
    assert len(list(folder.rglob("*.words"))) == 4
    shape = "must have a dot, letters behind it, and no slash"
    for suffix, problem in ((".JPG", "is that of pictures"), *((each, shape) for each in ("", ".", "words", "/a.txt"))):
        with pytest.raises(UserError, match=problem):
            caption(["p", "--sidecars", "--sidecar-suffix", suffix])
    with pytest.raises(UserError, match="add --sidecars"):
        caption(["p", "--sidecar-suffix", ".words"])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("r.json", "[", "is not valid JSON"),
        ("r.json", '{"a": 1}', "is no list of results"),
        ("r.jsonl", "{}\n[]\n", "line 2: is no object"),
        ("r.csv", "name,text\n", "its header is not image,caption"),
        ("r.csv", "image,caption,score,confidence,doubtful,reasons\na,b\n", "a row lacks columns"),
    ],
)
def test_a_file_that_is_not_continued_stays(
    name: str, content: str, problem: str, folder: Path, captioned: list[str]
) -> None:
    Path(name).write_text(content)
    with pytest.raises(UserError, match=problem):
        caption(["p", "--sidecars", f"--{Path(name).suffix[1:]}", name])
    assert Path(name).read_text() == content
    with pytest.raises(UserError, match="already exists"):
        caption(["p", f"--{Path(name).suffix[1:]}", name])
    assert not captioned


def test_two_options_do_not_write_one_file(folder: Path, captioned: list[str]) -> None:
    with pytest.raises(UserError, match=r"--csv r\.x: this is the file of --json too"):
        caption(["p", "--json", "r.x", "--csv", "./r.x"])


def test_an_interrupted_run_says_how_far_it_came_and_leaves_whole_files(
    folder: Path, captioned: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from captioning.run import Run

    take = Run.take

    def interrupted(self: Run, *arguments: Any) -> None:
        if self.captioned == 2:
            raise KeyboardInterrupt
        take(self, *arguments)

    monkeypatch.setattr(Run, "take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        caption(["p", "--sidecars", "--json", "r.json", "--csv", "r.csv"])
    assert "2 of 5 pictures captioned; the same command goes on from there" in capsys.readouterr().err
    assert [entry["path"] for entry in sound(Path("r.json"))] == ["a.png", "b.jpg"]
    monkeypatch.setattr(Run, "take", take)
    caption(["p", "--sidecars", "--json", "r.json", "--csv", "r.csv"])
    assert [entry["path"] for entry in sound(Path("r.json"))] == ["a.png", "b.jpg", "sub/a.png", "sub/d.png"]
    assert len(Path("r.csv").read_text().splitlines()) == 5


def test_the_n_best_captions_enter_every_file(folder: Path, captioned: list[str]) -> None:
    caption(["p", "--n-best", "3", "--json", "r.json", "--csv", "r.csv", "--jsonl", "r.jsonl", "--sidecars"])
    entries = {entry["path"]: entry["n_best"] for entry in sound(Path("r.json"))}
    rows: dict[str, list[str]] = {}
    for row in csv.DictReader(Path("r.csv").read_text().splitlines()):
        rows.setdefault(row["image"], []).append(row["caption"])
    assert rows == {path: [each["caption"] for each in best] for path, best in entries.items()}
    assert all(len(best) > 1 for best in entries.values())
    (folder / "b.txt").write_text("mine")
    caption(["p", "--sidecars", "--csv", "r.csv"])
    table = [(row["image"], row["caption"]) for row in csv.DictReader(Path("r.csv").read_text().splitlines())]
    assert [text for image, text in table if image == "b.jpg"] == ["mine"]
    assert [text for image, text in table if image == "a.png"] == rows["a.png"]


def test_names_that_are_not_utf8_are_written_escaped_and_found_again(folder: Path, captioned: list[str]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    try:
        Image.new("RGB", (9, 9)).save(folder / name)
    except OSError:
        pytest.skip("this file system has no such names")
    run = ["p", "--sidecars", "--json", "r.json", "--csv", "r.csv", "--jsonl", "r.jsonl"]
    for _ in range(2):
        caption(run)
    assert [entry["path"] for entry in sound(Path("r.json"))].count(name) == 1
    assert Path("r.csv").read_text(encoding="utf-8").count(r"caf\udce9.png") == 1
    assert len(Path("r.jsonl").read_text(encoding="utf-8").splitlines()) == 6
    assert captioned.count(name) == 1


def test_an_address_is_told_what_to_do_and_costs_only_itself(
    folder: Path, captioned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert caption(["https://example.org/dog.jpg", "p/a.png", "--sidecars"]) == 1
    printed = capsys.readouterr()
    assert "https://example.org/dog.jpg: is an address, not a file; download it first" in printed.err
    assert printed.out.startswith("p/a.png\t")


def test_standard_input_has_a_caption_and_no_side_file(
    folder: Path, captioned: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (folder / "a.png").read_bytes()
    monkeypatch.setattr("captioning.inputs._standard_input", lambda: content)
    assert caption(["-", "--json", "r.json"]) == 0
    assert capsys.readouterr().out.startswith("-\t")
    assert [entry["path"] for entry in sound(Path("r.json"))] == ["-"]
    with pytest.raises(UserError, match="standard input has no folder"):
        caption(["-", "--sidecars"])


def test_a_run_with_nothing_to_do_loads_no_model(
    folder: Path, captioned: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c.jpg").unlink()
    caption(["p", "--sidecars"])
    capsys.readouterr()
    monkeypatch.setattr("captioning.caption.load", lambda *_, **__: pytest.fail("the model was loaded"))
    assert caption(["p", "--sidecars", "--json", "r.json"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "4 pictures have side files already; --force captions them anew" in printed.err
    assert len(sound(Path("r.json"))) == 4


def gallery(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line[len("add(") : -len(");")]) for line in (path / "captions.js").read_text().splitlines()]


@pytest.mark.parametrize("option", ["--gallery", "--attention"])
def test_a_gallery_goes_on_too(
    option: str, folder: Path, captioned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, pages = ["p", "--sidecars", option, "p/pages"], folder / "pages"
    assert caption(run) == 1
    first = {record["path"]: record for record in gallery(pages)}
    assert first["sub/a.png"]["side"] == "sub/a.txt"
    assert first["sub/a.png"]["file"] == "../sub/a.png"
    assert bool(first["sub/a.png"]["page"]) == (option == "--attention")
    assert first["c.jpg"]["problem"] == "is empty (0 bytes)"
    (folder / "b.txt").write_text("mine")
    (folder / "sub" / "d.txt").unlink()
    captioned.clear()
    assert caption(run) == 1  # the thumbnails in the folder are no pictures
    assert captioned == ["c.jpg", "d.png"]
    records = {record["path"]: record for record in gallery(pages)}
    assert len(records) == len(gallery(pages)) == 5
    assert records["a.png"] == first["a.png"]
    assert records["b.jpg"]["caption"] == "mine"
    assert records["b.jpg"]["thumbnail"] == first["b.jpg"]["thumbnail"]
    assert all((pages / record["thumbnail"]).exists() for record in records.values() if record["caption"])
    if option == "--attention":
        items = json.loads((pages / "attention.json").read_text())["items"]
        assert sorted(item["segments"][0]["photograph"]["path"] for item in items) == [
            "p/a.png",
            "p/b.jpg",
            "p/sub/a.png",
            "p/sub/d.png",
        ]


def test_a_gallery_of_side_files_needs_no_model(folder: Path, captioned: list[str]) -> None:
    for name in ("a", "b", "sub/a", "sub/d", "c"):
        (folder / f"{name}.txt").write_text(f"caption of {name}")
    assert caption(["p", "--sidecars", "--gallery", "pages"]) == 1  # c.jpg is empty
    records = gallery(Path("pages"))
    assert [record["caption"] for record in records if not record.get("problem")] == [
        f"caption of {name}" for name in ("a", "b", "sub/a", "sub/d")
    ]
    assert not captioned


def test_the_size_of_a_gallery_is_told_beforehand(
    folder: Path, captioned: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        Image.new("RGB", (9, 9)).save(folder / f"{number}.png")
    caption(["p", "--attention", "pages"])
    assert "pages: up to 8 MB for 25 pictures\n" in capsys.readouterr().err
    with pytest.raises(UserError, match="--attention writes the gallery too"):
        caption(["p", "--attention", "x", "--gallery", "y"])

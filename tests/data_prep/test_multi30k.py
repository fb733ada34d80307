from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_prep import multi30k
from data_prep.download import Content
from data_prep.multi30k import DESCRIBED, descriptions, prepare_multi30k, translations
from s2s.cli import command
from s2s.errors import UserError

LANGUAGES = ("en", "de", "fr")
TEXTS = {name: f"{name.replace('.', ' in ')}\n".encode() for name in translations(LANGUAGES)}
TEXTS |= {name: f"{name} says\n".encode() for language in DESCRIBED for name in descriptions(language)}
FILES = {name: Content(len(text), hashlib.sha256(text).hexdigest()) for name, text in TEXTS.items()}
ENGLISH = {"train.en", "val.en", "test_2016_flickr.en"}
TRANSLATIONS = set(translations(LANGUAGES))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A folder like the repository's."""
    folder = tmp_path / "packed"
    for name, text in TEXTS.items():
        task = "task2" if name.startswith("descriptions/") else "task1"
        path = folder / task / "raw" / f"{Path(name).name}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text))
    return folder


@pytest.fixture
def server(packed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of `packed`, and the list of what has been asked for so far."""
    monkeypatch.setenv("no_proxy", "*")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(self.path.removeprefix("/"))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(packed))) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_split_of_every_language_has_its_checksum() -> None:
    assert set(multi30k.FILES) == set(TEXTS)
    assert all(len(bytes.fromhex(content.sha256)) == 32 for content in multi30k.FILES.values())
    assert len({content.sha256 for content in multi30k.FILES.values()}) == len(TEXTS)


def test_only_what_is_not_there_is_fetched(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    output = tmp_path / "new" / "data"
    new = prepare_multi30k(output, translations(["en"]), url=url, files=FILES)
    assert {path.name for path in new} == names(output) == ENGLISH
    assert all((output / name).read_bytes() == TEXTS[name] for name in ENGLISH)
    assert set(asked) == {f"task1/raw/{name}.gz" for name in ENGLISH}

    asked.clear()
    (output / "val.en").unlink()
    assert prepare_multi30k(output, translations(["en"]), url=url, files=FILES) == [output / "val.en"]
    assert asked == ["task1/raw/val.en.gz"]


def test_a_wrong_file_is_reported_before_anything_is_fetched_and_replaced_only_by_force(
    server: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = server
    wrong = tmp_path / "val.en"
    wrong.write_text("mine")
    with pytest.raises(UserError, match=r"val\.en there is not Multi30k's.*--force"):
        prepare_multi30k(tmp_path, translations(["en"]), url=url, files=FILES)
    assert wrong.read_text() == "mine"
    assert not asked
    prepare_multi30k(tmp_path, translations(["en"]), url=url, files=FILES, force=True)
    assert wrong.read_bytes() == TEXTS["val.en"]


def test_what_the_web_does_not_give_can_come_from_a_folder(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, _ = server
    with pytest.raises(UserError, match=r"train\.en\.gz: the server answers 404.*--from"):
        prepare_multi30k(tmp_path / "data", translations(["en"]), url=f"{url}/nowhere", files=FILES)


def test_a_server_with_another_text_is_not_believed(
    server: tuple[str, list[str]], packed: Path, tmp_path: Path
) -> None:
    (packed / "task1" / "raw" / "train.en.gz").write_bytes(gzip.compress(TEXTS["train.en"][::-1]))
    output = tmp_path / "data"
    with pytest.raises(UserError, match="SHA-256"):
        prepare_multi30k(output, translations(["en"]), url=server[0], files=FILES)
    assert names(output) == set()


@pytest.mark.parametrize("layout", ["raw", "packed", "the repository's"])
def test_a_local_folder_may_hold_raw_or_packed_files(packed: Path, tmp_path: Path, layout: str) -> None:
    folder = packed
    if layout != "the repository's":
        folder = tmp_path / "own"
        (folder / "descriptions").mkdir(parents=True)
        for name, text in TEXTS.items():
            packed_name, packed_text = (f"{name}.gz", gzip.compress(text)) if layout == "packed" else (name, text)
            (folder / packed_name).write_bytes(packed_text)
    output = tmp_path / "data"
    wanted = [*translations(["de", "fr"]), *descriptions("de")]
    prepare_multi30k(output, wanted, folder=folder, files=FILES)
    assert {str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()} == set(wanted)
    assert all((output / name).read_bytes() == TEXTS[name] for name in wanted)


def test_descriptions_are_fetched_from_the_second_task(server: tuple[str, list[str]], tmp_path: Path) -> None:
    url, asked = server
    prepare_multi30k(tmp_path / "data", descriptions("de"), url=url, files=FILES)
    assert asked == [f"task2/raw/train.{number}.de.gz" for number in range(1, 6)]
    assert all((tmp_path / "data" / name).read_bytes() == TEXTS[name] for name in descriptions("de"))


def test_a_folder_that_lacks_a_file_is_named_before_anything_is_copied(packed: Path, tmp_path: Path) -> None:
    (packed / "task1" / "raw" / "test_2016_flickr.de.gz").unlink()
    output = tmp_path / "data"
    with pytest.raises(UserError, match=rf"{packed}: has neither test_2016_flickr\.de nor test_2016_flickr\.de\.gz"):
        prepare_multi30k(output, translations(["en", "de"]), folder=packed, files=FILES)
    assert names(output) == set()


def test_the_command_tells_a_processed_file_from_the_raw_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TRANSLATIONS:
        (tmp_path / name).write_bytes(TEXTS[name])
    arguments = ["--output", str(tmp_path / "data"), "--from", str(tmp_path)]
    assert command.run(multi30k.multi30k, arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}/train.en: ends after ")
    assert error.count("\n") == 1


def test_help_says_what_the_data_may_be_used_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(multi30k.multi30k, ["--help"]) == 0
    assert "research use" in capsys.readouterr().out


def test_the_command_writes_what_is_new_in_the_descriptions(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(multi30k, "prepare_multi30k", partial(prepare_multi30k, files=FILES))
    arguments = ["--output", str(tmp_path / "data"), "--from", str(packed), "--descriptions", "--languages", "fr", "de"]
    assert command.run(multi30k.multi30k, arguments) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == str(tmp_path / "data" / "descriptions.de")
    assert printed.err.splitlines()[-1].endswith(
        "descriptions.de: kept 5 of 5 lines: blank 0, evaluated on 0, double 0"
    )
    written = (tmp_path / "data" / "descriptions.de").read_bytes()
    assert written == b"".join(TEXTS[name] for name in descriptions("de"))
    assert not (tmp_path / "data" / "descriptions.fr").exists()

    assert command.run(multi30k.multi30k, arguments[:-1]) == 2
    assert capsys.readouterr().err == "error: --descriptions: only available in en and de\n"


def test_the_checksums_are_those_of_the_real_files(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--output", str(tmp_path), "--from", str(shared_data / "multi30k"), "--languages", *LANGUAGES]
    assert command.run(multi30k.multi30k, [*arguments, "--descriptions"]) == 0
    written = [*TEXTS, "descriptions.en", "descriptions.de"]
    assert sorted(capsys.readouterr().out.split()) == sorted(str(tmp_path / name) for name in written)

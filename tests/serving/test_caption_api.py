from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pytest
from captioning_fixtures import COLOURS, photograph
from serving_fixtures import Answer, Server, running

from serving.limits import Limits
from serving.loading import Models


def png(colour: str, size: tuple[int, int] = (40, 20)) -> bytes:
    file = io.BytesIO()
    photograph(size, COLOURS[colour]).save(file, "PNG")
    return file.getvalue()


def form(server: Server, files: Sequence[tuple[str, bytes]], **values: str) -> Answer:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files
    ]
    parts += [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values.items()
    ]
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return server.send("POST", "/caption", b"".join(parts) + b"--x--\r\n", kind)


def captions(models: Models, *data: bytes) -> list[str]:
    """What the model itself writes."""
    assert models.captioning
    return [found.text for found in models.captioning.captioner.caption(data)]


def test_one_picture_is_the_body(server: Server, models: Models) -> None:
    answer = server.send("POST", "/caption", png("red"), {"Content-Type": "image/png"})
    assert answer.status == 200
    (found,) = answer.json["captions"]
    assert [found["caption"]] == captions(models, png("red"))
    assert (found["name"], found["confidence"], found["doubtful"]) == ("picture 1", None, False)
    assert found["n_best"] == [{"text": found["caption"], "score": found["score"]}]


def test_several_pictures_are_files_of_a_form_and_keep_their_order(server: Server, models: Models) -> None:
    files = [(f"{colour}.png", png(colour)) for colour in COLOURS]
    found = form(server, [*files, ("C:\\secret\\notes.txt", b"hello there")], alternatives="2").json["captions"]
    assert [each["name"] for each in found] == [*(f"{colour}.png" for colour in COLOURS), "notes.txt"]
    assert [each["caption"] for each in found] == [*captions(models, *(data for _, data in files)), None]
    assert found[-1] == {"name": "notes.txt", "caption": None, "problem": "is text, not a picture"}
    assert all(1 < len(each["n_best"]) <= 3 for each in found[:-1])


def test_attention_has_a_weight_for_each_cell(server: Server) -> None:
    (found,) = form(server, [("a.png", png("blue"))], attention="true").json["captions"]
    rows, columns = found["grid"]
    best = found["n_best"][0]
    assert len(best["attention"]) == len(best["tokens"])
    assert all(len(row) == rows * columns for row in best["attention"])
    assert found["extent"] == [1.0, 1.0]


def bomb() -> bytes:
    """A PNG of a few kilobytes that claims 60,000 x 60,000 pixels."""
    data = bytearray(png("red"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Invalid request: send a picture as the body, or several as the files of a form"),
        (b"hello there", "picture 1 is text, not a picture"),
        (png("red")[:50], "picture 1 is broken or cut off: "),
        (b"\x89PNG\r\n\x1a\n", "picture 1 is a PNG with a broken header"),
        (bomb(), "picture 1 has far too many pixels, over the limit of"),
    ],
    ids=["none", "text", "cut", "header", "bomb"],
)
def test_a_bad_picture_is_told_what_is_wrong(server: Server, data: bytes, message: str) -> None:
    answer = server.send("POST", "/caption", data, {"Content-Type": "image/png"})
    assert answer.status == 400
    assert answer.error.startswith(message)


@pytest.mark.parametrize(
    "body", [b"", b"garbage", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"]
)
def test_a_form_that_is_none(server: Server, body: bytes) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = server.send("POST", "/caption", body, {"Content-Type": kind})
        assert answer.status == 400
        assert answer.error.startswith("Invalid request: ")


def test_limits_and_keys(models: Models) -> None:
    with running(models, Limits(body=3_000, waiting_pictures=2), frozenset({"sesame"})) as small:
        assert small.send("POST", "/caption", png("red")).status == 403
        assert small.send("POST", "/caption", png("red"), {"Authorization": "Bearer sesame"}).status == 200
        assert small.send("POST", "/caption?api_key=sesame", png("red")).status == 200
        assert form(small, [("a", png("red"))], api_key="sesame").status == 200
        assert form(small, [("a", png("red"))] * 3, api_key="sesame").status == 400
        assert small.send("POST", "/caption?api_key=sesame", b"x" * 5_000).status == 413


def test_without_a_captioner(models: Models) -> None:
    with running(Models(models.translating)) as server:
        answer = server.send("POST", "/caption", png("red"))
        assert (answer.status, answer.error) == (404, "this server has no captioning model")

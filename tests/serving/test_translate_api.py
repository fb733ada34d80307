from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from serving_fixtures import Server, running

from serving.limits import Limits
from serving.loading import Models

LINES = ["A man in a red hat is sleeping in the park .", "Two dogs play with a ball in the snow !", "a man"]


def translated(models: Models, *lines: str) -> list[str]:
    """What the model itself writes."""
    return [found.text for found in models.translating[0].translator.translate(lines)]


def ask(server: Server, q: object, **parameters: object) -> object:
    answer = server.post("/translate", {"q": q, "source": "en", "target": "de", **parameters})
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture(scope="module")
def small(models: Models) -> Iterator[Server]:
    """A server with low limits that asks for a key."""
    with running(
        models, Limits(characters=30, body=2_000, waiting_lines=3, waiting_pictures=2), frozenset({"sesame"})
    ) as found:
        yield found


def test_a_text_and_a_list(server: Server, models: Models) -> None:
    expected = translated(models, *LINES)
    assert ask(server, LINES[0]) == {"translatedText": expected[0]}
    assert ask(server, LINES) == {"translatedText": expected}


def test_lines_of_a_text_are_translated_one_by_one(server: Server, models: Models) -> None:
    first, second, _ = translated(models, *LINES)
    assert ask(server, f"{LINES[0]}\r\n\n{LINES[1]}\n") == {"translatedText": f"{first}\r\n\n{second}\n"}


def test_form_query_and_json_are_the_same(server: Server, models: Models) -> None:
    values = {"q": LINES[0], "source": "en", "target": "de"}
    expected = {"translatedText": translated(models, LINES[0])[0]}
    boundary = b"--x\r\n"
    multipart = b"".join(
        boundary + f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values.items()
    )
    assert server.form("/translate", values).json == expected
    assert server.form("/translate", {**values, "q": [LINES[0], LINES[0]]}).json == {
        "translatedText": [expected["translatedText"]] * 2
    }
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.send("POST", "/translate", multipart + b"--x--\r\n", kind).json == expected
    query = "/translate?source=en&target=de&q=" + LINES[0].replace(" ", "+")
    assert server.send("POST", query).json == expected


def test_html_keeps_its_markup(server: Server, models: Models) -> None:
    first, second = translated(models, LINES[0], LINES[1])
    document = f"<p class='x'>{LINES[0]}</p>\n<div title=\"A man\"><b>{LINES[1]}</b></div>"
    written = f"<p class='x'>{first}</p>\n<div title=\"A man\"><b>{second}</b></div>"
    assert ask(server, document, format="html") == {"translatedText": written}
    inline = ask(server, 'A <a href="x">man <b>in</b></a> a <img src=y> hat .', format="html")
    assert isinstance(inline, dict)
    for tag in ('<a href="x">', "<b>", "</b>", "</a>", "<img src=y>"):
        assert inline["translatedText"].count(tag) == 1


def test_alternatives_and_details(server: Server, models: Models) -> None:
    found = ask(server, LINES[0], alternatives=2, details=True, attention=True)
    assert isinstance(found, dict)
    line = models.translating[0].translator.translate([LINES[0]])[0]
    assert found["alternatives"] == [each.text for each in line.n_best[1:3]]
    details = found["details"][0]
    assert [each["text"] for each in details["n_best"]] == [each.text for each in line.n_best]
    assert details["score"] == pytest.approx(line.score, abs=1e-3)
    assert details["source_tokens"] == list(line.source_tokens)
    best = details["n_best"][0]
    assert len(best["attention"]) == len(best["tokens"])
    assert {len(row) for row in best["attention"]} == {len(line.source_tokens)}
    several = ask(server, [LINES[0], ""], alternatives=1, details=True)
    assert isinstance(several, dict)
    assert several["alternatives"] == [[each.text for each in line.n_best[1:2]], []]
    assert [len(each) for each in several["details"]] == [1, 0]


def test_terms_become_what_the_request_wants(server: Server, models: Models) -> None:
    without = translated(models, LINES[0])[0]
    details = ask(server, LINES[0], glossary={"hat": "zwei"}, keep=["park"], details=True)
    assert isinstance(details, dict)
    assert "park" in details["translatedText"]
    assert [(term["source"], term["target"]) for term in details["details"][0]["terms"]] == [
        ("hat", "zwei"),
        ("park", "park"),
    ]
    form = {"q": LINES[0], "source": "en", "target": "de", "glossary": '{"hat": "zwei"}', "keep": "park"}
    assert server.form("/translate", form).json == {"translatedText": details["translatedText"]}
    html = ask(server, f"<p>{LINES[0]}</p>", format="html", keep="park")
    assert isinstance(html, dict)
    assert "park" in html["translatedText"]
    assert ask(server, LINES[0], glossary={}, keep=[]) == {"translatedText": without}  # terms are of one request


def test_the_region_of_a_language_does_not_matter_and_a_language_to_itself_is_a_copy(server: Server) -> None:
    assert ask(server, LINES[2], source="en-GB", target="DE") == ask(server, LINES[2])
    assert ask(server, LINES[2], target="en") == {"translatedText": LINES[2]}


def test_the_source_is_detected(server: Server) -> None:
    found = ask(server, "A man in a red hat is sleeping in the park", source="auto")
    assert isinstance(found, dict)
    assert found["detectedLanguage"]["language"] == "en"
    assert 90 < found["detectedLanguage"]["confidence"] <= 100
    several = ask(server, ["Two dogs are playing with a ball in the snow"] * 2, source="auto")
    assert isinstance(several, dict)
    assert [each["language"] for each in several["detectedLanguage"]] == ["en", "en"]
    refused = server.post(
        "/translate", {"q": "Un homme dort dans le parc avec son chien", "source": "auto", "target": "de"}
    )
    assert (refused.status, refused.error) == (400, "the text does not seem to be in en; name its language as source")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": None}, "Invalid request: missing q parameter"),
        ({"q": ""}, "Invalid request: missing q parameter"),
        ({"q": []}, "Invalid request: missing q parameter"),
        ({"q": 7}, "Invalid request: q parameter is not a string or a list of strings"),
        ({"q": ["a", 7]}, "Invalid request: q parameter is not a string or a list of strings"),
        ({"q": "a\ud800"}, "Invalid request: q parameter has a lone surrogate, which is no character"),
        ({"q": "a\0"}, "Invalid request: q parameter has a NUL character; remove it"),
        ({"source": None}, "Invalid request: missing source parameter"),
        ({"source": ["en"]}, "Invalid request: source parameter is not a string"),
        ({"source": "fr"}, "fr is not supported"),
        ({"target": "x" * 1000}, "xxxxxxxxxxxxxxxxxxxx… is not supported"),
        ({"source": "de", "target": "en"}, "de to en is not supported; see /languages"),
        ({"format": "xml"}, "xml format is not supported; choose text or html"),
        ({"alternatives": "many"}, "Invalid request: alternatives parameter is not a number"),
        ({"alternatives": 1e99}, "Invalid request: alternatives parameter is not a number"),
        ({"glossary": ["dog"]}, "Invalid request: glossary parameter is not a JSON object of strings"),
        ({"glossary": {"dog": 7}}, "Invalid request: glossary parameter is not a JSON object of strings"),
        ({"glossary": "dog"}, "Invalid request: glossary parameter is not a JSON object of strings"),
        ({"glossary": {"dog": " "}}, "Invalid request: a term in glossary or keep is blank"),
        ({"keep": ["dog", 7]}, "Invalid request: keep parameter is not a string or a list of strings"),
        ({"keep": ["d"] * 201}, "Invalid request: 201 terms in glossary and keep, more than 200"),
        ({"keep": "d" * 101}, "Invalid request: the term dddddddddddddddddddd… has 101 characters, more than 100"),
        (
            {"glossary": {"dog": "Hund"}, "keep": ["dog"]},
            "Invalid request: the terms to keep: 'dog' stays as it is, but 'dog' in the glossary becomes 'Hund'; "
            "remove one of them",
        ),
        ({"details": "perhaps"}, "Invalid request: details parameter is not true or false"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server: Server, change: dict[str, object], message: str) -> None:
    answer = server.post("/translate", {"q": "a", "source": "en", "target": "de", **change})
    assert (answer.status, answer.error) == (400, message)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'"q"'])
def test_a_body_that_is_no_json_object(server: Server, body: bytes) -> None:
    answer = server.send("POST", "/translate", body, {"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.error.startswith("Invalid request: the body is not ")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("", b"q=a&source=en&target=de", 200),
        ("application/x-www-form-urlencoded; charset=utf-8", b"q=%C3%A9&source=en&target=de", 200),
        ("application/x-www-form-urlencoded", b"q=%ff&source=en&target=de", 400),
        ("application/x-www-form-urlencoded", b"\xff", 400),
        ("application/x-www-form-urlencoded", b"&a=b" * 20_000, 400),
        ("text/plain", b"q=a&source=en&target=de", 415),
        ("multipart/form-data; boundary=x", b"--x", 400),
    ],
)
def test_forms_of_all_kinds(server: Server, kind: str, body: bytes, status: int) -> None:
    assert server.send("POST", "/translate", body, {"Content-Type": kind}).status == status


def test_limits_and_keys(small: Server) -> None:
    def status(values: dict[str, object], **headers: str) -> tuple[int, str]:
        sent = {"source": "en", "target": "de", **values}
        kind = {"Content-Type": "application/json", **headers}
        answer = small.send("POST", "/translate", json.dumps(sent).encode(), kind)
        return answer.status, "" if answer.status == 200 else answer.error

    assert status({"q": "a"}) == (403, "this server asks for a key: send it as api_key")
    assert status({"q": "a", "api_key": "sesam"}) == (403, "Invalid API key")
    assert status({"q": "a", "api_key": "sesame"}) == (200, "")
    assert status({"q": "a"}, Authorization="Bearer sesame") == (200, "")
    assert status({"q": "a"}, Authorization="Basic sesame")[0] == 403
    key = {"Authorization": "Bearer sesame"}
    assert status({"q": "a" * 31}, **key) == (400, "Invalid request: request (31) exceeds text limit (30)")
    assert status({"q": ["a"] * 4}, **key) == (413, "the request has 4 lines, more than 3; send it in parts")
    assert status({"q": "a" * 3000}, **key) == (413, "the request has more than 2,000 bytes; send it in parts")
    assert small.form("/detect", {"q": "a"}).status == 403
    assert small.get("/languages").status == small.get("/health").status == 200


def test_languages_and_settings(server: Server, small: Server) -> None:
    assert server.get("/languages").json == [
        {"code": "en", "name": "English", "targets": ["de"]},
        {"code": "de", "name": "German", "targets": []},
    ]
    settings = server.get("/frontend/settings").json
    assert settings["language"]["target"] == {"code": "de", "name": "German"}
    assert (settings["charLimit"], settings["keyRequired"]) == (50_000, False)
    assert small.get("/frontend/settings").json["keyRequired"]


def test_detection_says_how_sure_it_is(server: Server) -> None:
    german, english = server.form("/detect", {"q": "Ein Mann schläft auf einer Bank im Park"}).json
    assert (german["language"], english["language"]) == ("de", "en")
    assert german["confidence"] > 90 > 10 > english["confidence"]
    french = server.post("/detect", {"q": "Un homme dort dans le parc avec son chien"}).json
    assert max(each["confidence"] for each in french) < 10
    assert sum(each["confidence"] for each in server.post("/detect", {"q": "12345"}).json) < 50

from __future__ import annotations

import re

from serving_fixtures import Server


def test_the_description_names_every_address_that_answers(server: Server) -> None:
    description = server.get("/openapi.json").json
    assert description["openapi"].startswith("3.1")
    for path, operations in description["paths"].items():
        for method in operations:
            assert server.send(method.upper(), path).status in (200, 400), path
    translate = description["paths"]["/translate"]["post"]["requestBody"]["content"]
    assert set(translate) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    schema = translate["application/json"]["schema"]
    assert schema["required"] == ["q", "source", "target"]
    assert schema["properties"]["format"]["enum"] == ["text", "html"]


def test_its_examples_work(server: Server) -> None:
    content = server.get("/openapi.json").json["paths"]["/translate"]["post"]["requestBody"]["content"]
    properties = content["application/json"]["schema"]["properties"]
    example = {name: each["examples"][0] for name, each in properties.items() if "examples" in each}
    assert server.post("/translate", example).status == 200


def test_the_page_needs_no_network_and_shows_every_parameter(server: Server) -> None:
    page = server.get("/docs").body.decode()
    assert not re.search(r"<script|<link|@import|url\(|(?:src|href)=[\"']?(?:https?:)?//", page)
    for name in ("/translate", "alternatives", "curl", "api_key", "--data-binary", "429"):
        assert name in page
    assert f"{server.url}/translate" in page


def test_there_is_a_page_for_people(server: Server) -> None:
    answer = server.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"<!doctype html>" in answer.body.lower()


def test_health_names_the_models(server: Server) -> None:
    assert server.get("/health").json == {"status": "ok", "models": ["tiny", "squares"]}

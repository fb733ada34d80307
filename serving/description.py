"""The description of the API: a document in the format of OpenAPI, made from the classes of parameters."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, get_type_hints

Json = dict[str, Any]

_TYPES: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 0},
    bool: {"type": "boolean"},
    dict[str, str] | None: {"type": "object", "additionalProperties": {"type": "string"}},
}
_TEXTS: Json = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_ERRORS = {
    400: "the request is wrong; the message says what",
    403: "the key is missing or wrong",
    413: "the request is too large",
    429: "the server is busy; Retry-After says for how many seconds",
    504: "the answer took too long",
}


@dataclass(frozen=True)
class Endpoint:
    """An address of the API, for its description.

    Attributes:
        path: of the address
        method: "get" or "post"
        summary: what it does, without a full stop
        answer: what it returns
        parameters: a class of parameters; None if there are none
        pictures: whether the body holds pictures, so that the parameters are in the query or in the form beside them
    """

    path: str
    method: str
    summary: str
    answer: str
    parameters: type | None = None
    pictures: bool = False


def describe(endpoints: tuple[Endpoint, ...], limits: str) -> Json:
    """The description of an API in the format of OpenAPI 3.1.

    Args:
        endpoints: the addresses
        limits: of the server, in a sentence
    """
    paths: Json = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "s2s",
            "version": "1",
            "description": "Translates text through the API of LibreTranslate, and describes photographs. "
            f'An error is a JSON object: {{"error": message}}. {limits}',
        },
        "paths": paths,
    }


def _operation(endpoint: Endpoint) -> Json:
    responses: Json = {"200": {"description": endpoint.answer}}
    found: Json = {"summary": endpoint.summary, "operationId": endpoint.path.strip("/").replace("/", "_") or "page"}
    if endpoint.method == "post":
        responses |= {str(status): {"description": meaning} for status, meaning in _ERRORS.items()}
    if endpoint.pictures and endpoint.parameters:
        files = {"type": "array", "items": {"type": "string", "format": "binary"}}
        form = _schema(endpoint.parameters)
        form["properties"]["file"] = files
        found["parameters"] = _query(endpoint.parameters)
        found["requestBody"] = {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "image/*": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    elif endpoint.parameters:
        schema = {"schema": _schema(endpoint.parameters)}
        kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
        found["requestBody"] = {"required": True, "content": dict.fromkeys(kinds, schema)}
    return found | {"responses": responses}


def _schema(parameters: type) -> Json:
    hints = get_type_hints(parameters)
    described = {each.name: _property(each, hints[each.name]) for each in fields(parameters)}
    required = [each.name for each in fields(parameters) if each.default is MISSING]
    return {"type": "object", "properties": described} | ({"required": required} if required else {})


def _query(parameters: type) -> list[Json]:
    hints = get_type_hints(parameters)
    return [
        {"name": each.name, "in": "query", "schema": _property(each, hints[each.name])} for each in fields(parameters)
    ]


def _property(described: Field[Any], hint: Any) -> Json:
    found = {**_TYPES.get(hint, _TEXTS), "description": described.metadata["help"]}
    if described.metadata["choices"]:
        found["enum"] = list(described.metadata["choices"])
    if described.metadata["example"] is not None:
        found["examples"] = [described.metadata["example"]]
    if described.default is not MISSING and described.default is not None:
        found["default"] = described.default
    return found

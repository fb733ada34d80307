"""Read the body of a request: JSON, a form, or a query, as LibreTranslate takes them; and pictures."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from serving.errors import RequestError

_MOST_FIELDS = 10_000


async def read_values(request: Request) -> dict[str, Any]:
    """The parameters in the body and in the query. Of a name that comes several times, the value is a list.

    Raises:
        RequestError: 400 if the body is not what its content type says; 415 for another content type.
    """
    items = request.query_params.multi_items()
    match content_type(request):
        case "application/json":
            return _values(items) | await _json(request)
        case "multipart/form-data":
            form = await read_form(request, files=0)
            fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        case "application/x-www-form-urlencoded" | "":
            fields = _url_encoded(await request.body())
        case _:
            raise RequestError(415, "send the parameters as application/json or as a form")
    return _values([*items, *fields])


def content_type(request: Request) -> str:
    """The content type without its parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request, *, files: int) -> FormData:
    """The form of a request with at most so many files. It keeps large files on the disk; `close` deletes them."""
    try:
        return await request.form(max_files=files, max_fields=_MOST_FIELDS, max_part_size=64 * 2**20)
    except HTTPException as error:
        raise RequestError(400, f"Invalid request: the form cannot be read: {error.detail}") from error
    except (ValueError, KeyError) as error:
        raise RequestError(400, "Invalid request: the form cannot be read") from error


async def read_pictures(form: FormData) -> list[tuple[str, bytes]]:
    """The name and the content of each file in a form."""
    uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return [(file_name(upload.filename or f"picture {n}"), await upload.read()) for n, upload in enumerate(uploads, 1)]


def file_name(given: str) -> str:
    """The last part of a path that a client sent."""
    return re.split(r"[/\\]", given)[-1][:200]


def _url_encoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise RequestError(400, "Invalid request: the form is not URL-encoded UTF-8, or has too many fields") from error


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "Invalid request: the body is not JSON in UTF-8") from error
    if not isinstance(values, dict):
        raise RequestError(400, "Invalid request: the body is not a JSON object")
    return values


def _values(items: list[tuple[str, str]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in items:
        if name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    return values

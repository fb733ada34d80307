"""/caption: one picture in the body of the request, or several in a form."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

from serving.bodies import content_type, read_form, read_pictures
from serving.context import Context, unless_gone
from serving.errors import RequestError
from serving.parameters import parameter, read
from serving.results import caption_details


@dataclass(frozen=True)
class CaptionParameters:
    """What is to be returned beside the captions."""

    alternatives: int = parameter("how many more captions to return for each picture; there may be fewer", 0)
    attention: bool = parameter("whether to return tokens and attention weights", False)
    api_key: str = parameter("key, if the server asks for one", "")


async def caption(request: Request) -> JSONResponse:
    """Caption pictures."""
    context = Context.of(request)
    values: dict[str, object] = dict(request.query_params)
    if content_type(request) == "multipart/form-data":
        form = await read_form(request, files=context.limits.waiting_pictures)
        try:
            values |= {name: value for name, value in form.multi_items() if isinstance(value, str)}
            context.check_key(request, values)
            pictures = await read_pictures(form)
        finally:
            await form.close()
    else:
        context.check_key(request, values)
        body = await request.body()
        pictures = [("picture 1", body)] if body else []
    asked = read(CaptionParameters, values)
    if not pictures:
        raise RequestError(400, "Invalid request: send a picture as the body, or several as the files of a form")
    found = await unless_gone(request, context.services.caption(pictures))
    if all(each.problem for each in found):
        raise RequestError(400, f"{found[0].name} {found[0].problem}")
    return JSONResponse({"captions": [caption_details(each, asked.alternatives, asked.attention) for each in found]})

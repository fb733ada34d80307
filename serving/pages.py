"""The pages of a model: one HTML file that works from disk, and the page that a server shows.

Both have the same template, style and code (serving/data/ui). They differ in the engine behind it: from disk the file
carries the light form of its model and ONNX Runtime, and a worker runs them; the server's page asks the server.
"""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from captioning import assets as captioner_assets
from captioning import configuration as captions
from captioning import familiarity
from language_model import assets as generator_assets
from language_model import configuration as language_models
from s2s.errors import UserError, check
from s2s.storage.light_form import LightModel, read_light
from s2s.storage.model_record import read_record, read_whole
from s2s.storage.verified import shorten
from s2s.views import web_page
from serving.caption_rules import captioner_data
from serving.javascript import bundle
from serving.language_rules import generator_data, sampling_defaults, tokens_in_words
from serving.onnxruntime_web import BUNDLE, WASM, browser_runtime
from serving.rules import translator_data
from translation import assets as translator_assets
from translation import configuration as translations

_DATA = Path(__file__).parent / "data"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
_FROM_DISK = _POLICY + "script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:"  # and no network at all
_SERVED = _POLICY + "script-src 'unsafe-inline'; connect-src 'self'"
_OFFLINE = "This page works without a network: the model is inside it, and nothing that you give it leaves this device."


@dataclass(frozen=True)
class PageModel:
    """A model that a page offers.

    Attributes:
        kind: of its directory
        name: by which the page asks for it
        source, target: language codes of a translator
    """

    kind: Literal["translation", "captioning", "language_model"]
    name: str
    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class PageLanguageModel(PageModel):
    """A language model that a page offers.

    Attributes:
        tokens: what it writes, such as "characters"
        defaults: of the options of sampling, by name
        example: of a prime; empty for none
    """

    tokens: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    example: str = ""


def write_page(model: Path, path: Path, runtime: Mapping[str, bytes] | None = None) -> None:
    """Write the page that runs a model's light form from disk.

    Args:
        model: a model directory with a light form, of a translator, a captioner or a language model
        path: the HTML file to write
        runtime: of `browser_runtime`; None to take it from the cache or fetch it

    Raises:
        UserError: the model is damaged, of another kind, or has no light form; ONNX Runtime cannot be had.
    """
    kind = page_kind(model)
    light = read_light(model, kind)
    with light.record.building():
        page_model, files = _CONTENTS[kind](light)
    runtime = runtime or browser_runtime()
    files |= {"bundle": runtime[BUNDLE], "wasm": runtime[WASM]}
    files |= {name: light.file(file).read_bytes() for name, file in _graphs(kind).items()}
    carried = [f'<script type="text/plain" id="file-{name}">{_pack(data)}</script>' for name, data in files.items()]
    worker = _script(bundle(_DATA / "worker" / "worker.js"))
    settings = {"engine": "local", "models": [asdict(page_model)], "files": list(files)}
    data = [_json("settings", settings), f'<script type="text/plain" id="worker">{worker}</script>', *carried]
    web_page.write_page(path, _page(_TITLES[kind], _FROM_DISK, _OFFLINE, data))


def page_kind(model: Path) -> str:
    """The kind of a model; raises `UserError` if the model is damaged, or there are no pages for models of its kind."""
    kind = read_whole(model, read_record).kind
    known = "name a translator, a captioner or a language model"
    check(kind in _CONTENTS, f"{model}: holds a model of kind '{shorten(kind)}', which has no page; {known}")
    return kind


def served_page(models: Sequence[PageModel], *, keyed: bool = False) -> str:
    """The HTML of the page that a server shows, which asks that server for the work.

    Args:
        models: that the server offers, the first one of each kind as the default
        keyed: whether the server asks for an API key
    """
    data = [_json("settings", {"engine": "remote", "models": [asdict(model) for model in models], "keyed": keyed})]
    title = _TITLES[models[0].kind] if len({model.kind for model in models}) == 1 else "Translate and caption"
    return _page(title, _SERVED, "The models run on the server that showed this page. ", data)


_TITLES = {translations.KIND: "Translate", captions.KIND: "Caption", language_models.KIND: "Write text"}


def _graphs(kind: str) -> dict[str, str]:
    """The files of a light form, by the names that the page gives them; a language model has no encoder."""
    encoder = {} if kind == language_models.KIND else {"encoder": "encoder.onnx"}
    return {**encoder, "step": "step.onnx", "weights": "light.weights"}


def _page(title: str, policy: str, footer: str, data: Sequence[str]) -> str:
    return web_page.fill_template(
        _DATA / "page.html",
        title,
        policy=html.escape(policy),
        own_style=(_DATA / "page.css").read_text(encoding="utf-8"),
        footer=html.escape(footer),
        data="\n".join(data),
        script=_script(bundle(_DATA / "ui" / "app.js")),
    )


def _translator(light: LightModel) -> tuple[PageModel, dict[str, bytes]]:
    """What the page asks for, and the files that its worker needs beside the network."""
    assets = translator_assets.Assets.read(light.record)
    config = assets.config
    data = translator_data(config, assets.source, assets.target, assets.calibration)
    model = PageModel("translation", light.record.directory.name, config.source_language, config.target_language)
    return model, {"data": _encoded(data)}


def _captioner(light: LightModel) -> tuple[PageModel, dict[str, bytes]]:
    """As `_translator`."""
    record = light.record
    assets = captioner_assets.Assets.read(record)
    if light.grid is None:
        raise UserError(f"{record.path}: 'light' has no grid; run `s2s export` again")
    files = {"data": _encoded(captioner_data(assets.config, assets.vocabulary, light.grid, assets.calibration))}
    if assets.familiarity:
        files["familiarity"] = record.asset(familiarity.FILE)
    return PageModel("captioning", record.directory.name), files


def _language_model(light: LightModel) -> tuple[PageModel, dict[str, bytes]]:
    """As `_translator`."""
    assets = generator_assets.Assets.read(light.record)
    name, tokens = light.record.directory.name, tokens_in_words(assets.vocabulary)
    model = PageLanguageModel(
        "language_model", name, tokens=tokens, defaults=sampling_defaults(), example=assets.config.example
    )
    return model, {"data": _encoded(generator_data(assets.config, assets.vocabulary))}


_CONTENTS = {translations.KIND: _translator, captions.KIND: _captioner, language_models.KIND: _language_model}


def _encoded(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _pack(data: bytes) -> str:
    """A file as the page carries it; see serving/data/worker/unpack.js."""
    return b64encode(gzip.compress(data, 8, mtime=0)).decode()


def _json(name: str, data: object) -> str:
    return f'<script type="application/json" id="{name}">{web_page.json_for_script(data)}</script>'


def _script(code: str) -> str:
    """JavaScript for the inside of a script element, which `</script>` in a string must not end."""
    if "</script" in code.lower() or "<!--" in code:
        raise ValueError("a script holds a mark that ends a script element")
    return code

"""The page /docs: the description of the API as HTML, which needs no script and no network."""

from __future__ import annotations

import html
import json
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid #8886; margin-top: 1.5rem; }
h2 code { font-size: 1.1em; }
pre, table { overflow-x: auto; display: block; }
pre { background: #8882; padding: .7rem; border-radius: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; }
"""


def description_page(description: dict[str, Any], server: str) -> str:
    """The page of a description in the format of OpenAPI; `server` is the address that examples use."""
    sections = [
        _section(path, method, operation, server)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>API</title>'
        f"<style>{_STYLE}</style><h1>API</h1><p>{html.escape(description['info']['description'])}</p>"
        '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>' + "".join(sections)
    )


def _section(path: str, method: str, operation: dict[str, Any], server: str) -> str:
    parts = [f"<section><h2><code>{method.upper()} {path}</code></h2><p>{html.escape(operation['summary'])}.</p>"]
    contents = operation.get("requestBody", {}).get("content", {})
    if contents:
        schema = next(iter(contents.values()))["schema"]
        rows = [_row(name, each, name in schema.get("required", ())) for name, each in schema["properties"].items()]
        parts.append(f"<table><tr><th>parameter<th>type<th>default<th>meaning{''.join(rows)}</table>")
        parts.append(f"<p>As {html.escape(', '.join(contents))}.</p>")
    parts.append(f"<pre>{html.escape(_example(path, contents, server))}</pre>")
    answers = "".join(
        f"<li>{status}: {html.escape(each['description'])}" for status, each in operation["responses"].items()
    )
    return "".join([*parts, f"<ul>{answers}</ul></section>"])


def _row(name: str, described: dict[str, Any], required: bool) -> str:
    kind = described.get("type") or " or ".join(each["type"] for each in described["oneOf"])
    default = "required" if required else json.dumps(described["default"]) if "default" in described else ""
    meaning = described.get("description", "")
    if "enum" in described:
        meaning += f" ({' or '.join(described['enum'])})"
    return "<tr>" + "".join(f"<td>{html.escape(each)}" for each in (name, kind, default, meaning))


def _example(path: str, contents: dict[str, Any], server: str) -> str:
    """A command that calls the address."""
    if not contents:
        return f"curl {server}{path}"
    if "image/*" in contents:
        return f"curl --data-binary @photo.jpg {server}{path}\ncurl -F file=@a.jpg -F file=@b.jpg {server}{path}"
    properties = contents["application/json"]["schema"]["properties"]
    values = {name: each["examples"][0] for name, each in properties.items() if "examples" in each}
    return (
        f"curl {server}{path} -H 'Content-Type: application/json' \\\n  -d '{json.dumps(values, ensure_ascii=False)}'"
    )

"""Serve translation and captioning over HTTP.

    s2s serve                                   the default models at http://127.0.0.1:8000
    s2s serve --model en-de --model RUN/best    these models
    s2s serve --host 0.0.0.0 --key-file KEYS    for other machines, with a key

The server speaks LibreTranslate's API, so that its clients work unchanged. It stops at Ctrl-C or SIGTERM, after it has
answered what it has accepted.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.errors import UserError, check
from s2s.files import check_readable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from serving.limits import Limits


def serve(arguments: list[str]) -> int:
    """Serve until a signal ends it; return the exit code."""
    options = _parser().parse_args(arguments)
    keys = _keys(options.key_file) if options.key_file else frozenset()
    import uvicorn  # noqa: F401 - a missing extra is told before models are loaded

    from s2s.runtime.engine_options import EngineOptions
    from serving.application import build_application
    from serving.loading import load_models

    limits = _limits(options)
    with _listening(options.host, options.port) as listener:
        engine = EngineOptions(options.engine, options.device, options.precision, options.threads)
        models = load_models(options.model or [], engine, options.beam)
        application = build_application(models, limits, keys)
        _start_log(options.quiet)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"serving {', '.join(models.names)} at http://{shown}:{port}", file=sys.stderr, flush=True)
        _run(application, listener, limits)
    return 0


def _run(application: ASGIApp, listener: socket.socket, limits: Limits) -> None:
    """Answer requests until a signal comes, which uvicorn raises again in the end, and `command.run` reports."""
    import uvicorn

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=int(limits.seconds) + 5,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address. Requests that arrive before the models are loaded wait."""
    try:
        return socket.create_server((host, port), backlog=2048, family=_family(host))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"--host {host} --port {port}: {reason}; choose another address or port") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _keys(path: Path) -> frozenset[str]:
    """The keys in a file, one a line."""
    check_readable(path)
    keys = frozenset(path.read_text(encoding="utf-8").split())
    check(keys, f"{path}: holds no key; write one key a line")
    return keys


def _limits(options: argparse.Namespace) -> Limits:
    from serving.limits import Limits

    return Limits(
        characters=options.characters,
        body=options.megabytes * 1_000_000,
        waiting_lines=options.queue,
        waiting_pictures=max(1, options.queue // 10),
        seconds=options.seconds,
    )


def _start_log(quiet: bool) -> None:
    """Log requests on standard error, one line each, without any text; uvicorn's own messages only if they warn."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("serving")
    log.addHandler(handler)
    log.setLevel(logging.ERROR if quiet else logging.INFO)
    log.propagate = False
    uvicorn_log = logging.getLogger("uvicorn")
    uvicorn_log.addHandler(handler)
    uvicorn_log.setLevel(logging.ERROR)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what it cannot read


def _parser() -> Parser:
    parser = Parser(
        description="Serve translation and captioning over HTTP: a page for people, LibreTranslate's API for programs, "
        "described at /docs. It stops at Ctrl-C or SIGTERM, after it has answered what it has accepted.",
        epilog="exit codes: 2 error, explained by a message; 130 interrupted; 143 terminated",
    )
    add = parser.add_argument
    add(
        "--model",
        action="append",
        metavar="MODEL",
        help="a model directory such as RUN/best, or a bundled model such as en-de (see `s2s models`); may be repeated "
        "(default: the bundled models that translate and caption use, see `s2s models`)",
    )
    add("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 for all (default: 127.0.0.1)")
    add("--port", type=_port, default=8000, metavar="N", help="port to listen at; 0 for a free one (default: 8000)")
    add(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="answer only requests that send one of the keys in FILE, one a line, as api_key or as a bearer token",
    )
    add("--quiet", action="store_true", help="log only errors (default: one line per request, without any text)")
    limits = parser.add_argument_group("limits")
    add = limits.add_argument
    add("--characters", type=positive, default=50_000, metavar="N", help="of the texts of a request (default: 50000)")
    add("--megabytes", type=positive, default=32, metavar="N", help="of a request (default: 32)")
    add("--seconds", type=positive, default=60, metavar="N", help="until a request is given up (default: 60)")
    add(
        "--queue",
        type=positive,
        default=2000,
        metavar="N",
        help="lines that wait for a model, or ten times the pictures; more are refused with 429 (default: 2000)",
    )
    parser.add_argument("--beam", type=positive, default=5, metavar="N", help="beam width (default: 5)")
    add_machine_options(parser)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, a whole number from 0 to 65535")
    return int(text)


def main() -> int:
    """Entry point."""
    return command.run(serve)


if __name__ == "__main__":
    sys.exit(main())

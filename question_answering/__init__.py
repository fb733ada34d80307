"""Question answering: a photograph and a question to an answer."""

TYPE_CHECKING = False  # as type checkers take it to be True; `typing` would take longer to import than this package

if TYPE_CHECKING:
    from question_answering.answerer import Answerer
else:  # at run time imported when it is first asked for

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"question_answering.{name.lower()}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Answerer"]

"""Language models: a text to its next character, word or subword."""

TYPE_CHECKING = False  # as type checkers take it to be True; `typing` would take longer to import than this package

if TYPE_CHECKING:
    from language_model.generator import Generator
else:  # at run time it is imported when it is first asked for

    def __getattr__(name: str) -> object:
        if name != "Generator":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from language_model.generator import Generator

        return Generator

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Generator"]

"""Translation: sentences to sentences."""

TYPE_CHECKING = False  # as type checkers take it to be True; `typing` would take longer to import than this package

if TYPE_CHECKING:
    from translation.translator import Translator
else:  # at run time the translator, which imports torch, is imported when it is first asked for

    def __getattr__(name: str) -> object:
        if name != "Translator":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from translation.translator import Translator

        return Translator

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Translator"]

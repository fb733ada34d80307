"""Labelling: a sentence to one label, or to one label a word."""

TYPE_CHECKING = False  # as type checkers take it to be True; `typing` would take longer to import than this package

if TYPE_CHECKING:
    from labelling.classifier import Classifier
    from labelling.tagger import Tagger
else:  # at run time imported when they are first asked for

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"labelling.{name.lower()}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Classifier", "Tagger"]

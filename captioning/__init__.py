"""Captioning: photographs to sentences."""

TYPE_CHECKING = False  # as type checkers take it to be True; `typing` would take longer to import than this package

if TYPE_CHECKING:
    from captioning.captioner import Captioner
else:  # at run time the captioner is imported when it is first asked for

    def __getattr__(name: str) -> object:
        if name != "Captioner":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from captioning.captioner import Captioner

        return Captioner

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = ["Captioner"]

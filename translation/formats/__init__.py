"""Formats of files that `translate` reads and writes: their text is translated, and all else stays as it is."""

"""Run `python -m s2s`, which is the command `s2s`."""

from __future__ import annotations

import sys

from s2s.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())

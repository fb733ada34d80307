"""Everything that a GPU has to show, within some minutes, in one file:

    python -m tests.benchmarks.device --output device.json

The tests that need a GPU; then speed and memory of training, decoding and captions by `suite.py --quick --device cuda`,
beside JoeyNMT and OpenNMT-py. Multi30k is looked for in $S2S_DATA/multi30k. The same command again goes on from what
the file holds. The tables of RESULTS.md name the GPU, which stands in the file.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser
from tests.benchmarks import suite
from tests.benchmarks.ours import ROOT

GPU_TESTS = ("tests/system/test_gpu.py", "tests/s2s/nn/test_fused_layer.py", "tests/s2s/vision/test_backbones.py")
SECTIONS = ("training", "decoding", "captions")


def device(arguments: list[str]) -> int:
    """The command; 1 if a test or a measurement failed."""
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="gone on from where it exists")
    parser.add_argument(
        "--device", choices=["cpu", "cuda"], default="cuda", help="cpu only shows that the command works"
    )
    parser.add_argument("--smoke", action="store_true", help="a small model and few steps, whose figures mean nothing")
    options = parser.parse_args(arguments)
    scale = "--smoke" if options.smoke else "--quick"
    tests = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", *GPU_TESTS], cwd=ROOT, check=False)
    measured = suite.benchmark(
        [scale, "--device", options.device, "--output", str(options.output), "--only", *SECTIONS]
    )
    return int(tests.returncode != 0 or measured != 0)


if __name__ == "__main__":
    sys.exit(command.run(device))

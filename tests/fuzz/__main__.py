"""The mutational fuzzer: ``python -m fuzz [--inputs N | --seconds S] [--seed S] [--only NAME …]``.

Damaged inputs go through every reader (`fuzz.readers`), in processes that may take so much time and memory an
input. An input is accepted, or refused by a short line (ValueError, OSError); all else is a fault: another exception, a
line that is long, a crash, no answer. Faulty inputs are kept for another look.

    python -m fuzz --again FOLDER     read the inputs that were kept there
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fuzz.run import again, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, help="so many inputs in all; overrides --seconds")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="readers by name; default: all")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="folder for inputs that are faults")
    parser.add_argument("--again", type=Path, help="a folder of kept inputs to read once more")
    args = parser.parse_args()
    if args.again:
        return again(args.again)
    counts = fuzz(args.seed, args.inputs, args.seconds, args.keep, args.only)
    return 1 if counts.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""Unit tests: `python3 -m unittest`. They run the policy without WebAssembly."""

import pathlib
import sys

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "vendor")]

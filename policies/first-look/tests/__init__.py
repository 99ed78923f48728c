"""Unit tests: `python3 -m unittest` in the policy's folder. They run it without WebAssembly."""

import pathlib
import sys

POLICY = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(POLICY), str(POLICY.parent / "sdk-python")]

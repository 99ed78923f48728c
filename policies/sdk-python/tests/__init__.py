"""Unit tests of the library: `python3 -m unittest`."""

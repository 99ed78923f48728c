"""Makes `suture_policy/contract/` anew from `wit/`: the types of the contract in Python.

    python generate.py [--componentize-py PATH] [--check]

It runs `componentize-py bindings`, keeps the modules of the interfaces, and lets them
import each other, so that they can be read without WebAssembly. With --check it changes
nothing and says whether they are as the WIT wants them.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WIT = HERE.parent.parent / "wit"
CONTRACT = HERE / "suture_policy" / "contract"
INTERFACES = ["types", "kube", "prometheus", "clock", "log"]
# What the tool imports into every module, needed or not; what is needed is put back in one place.
UNUSED = ("from typing", "from types", "from enum", "from abc", "import weakref")
PACKAGE = '''"""The contract in Python: what `generate.py` makes of `wit/*.wit`.

The functions do nothing: inside a component `wit_world.imports` stands in for these
modules, natively `suture_policy.testing` does. Policies need neither.
"""
'''


def main() -> int:
    """Make the modules, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--componentize-py", default="componentize-py", help="the tool, 0.25.1")
    parser.add_argument("--check", action="store_true", help="only say whether the modules are up to date")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        command = [options.componentize_py, "-q", "-d", str(WIT), "-w", "policy", "bindings", folder]
        subprocess.run(command, check=True)
        files = {f"{name}.py": adapted(made / "wit_world" / "imports" / f"{name}.py") for name in INTERFACES}
        files["results.py"] = (made / "componentize_py_types.py").read_text()
    files["__init__.py"] = PACKAGE
    if options.check:
        stale = [name for name, text in files.items() if not is_current(CONTRACT / name, text)]
        print("\n".join(f"{name} is not what the WIT makes it; run generate.py" for name in stale))
        return 1 if stale else 0
    shutil.rmtree(CONTRACT, ignore_errors=True)
    CONTRACT.mkdir(parents=True)
    for name, text in files.items():
        (CONTRACT / name).write_text(text)
    return 0


def is_current(path: pathlib.Path, text: str) -> bool:
    """Whether a file is there and has this text."""
    return path.exists() and path.read_text() == text


def adapted(path: pathlib.Path) -> str:
    """A generated module that imports its neighbours relative to itself."""
    lines = []
    for line in path.read_text().replace("wit_world.imports.", "").replace("componentize_py_types.", "").splitlines():
        if line.startswith("from componentize_py_types"):
            line = "from typing import List, Optional, Tuple, Union\nfrom enum import Enum"
        elif line.startswith("from ..imports import"):
            line = line.replace("..imports", ".")
        elif line.startswith(UNUSED):
            continue
        lines.append(line.rstrip())
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())

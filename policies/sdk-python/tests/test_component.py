import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SDK = pathlib.Path(__file__).resolve().parent.parent
MANIFEST = "manifest = Manifest('x', '1.0.0', 'x', ['a=\"b\"'], key=['namespace'])\n"
# What a component does, natively: the host knows nothing, and what is printed would be a call to it.
PLAY = """
import json, sys
sys.path[:0] = [{sdk!r}, {folder!r}]
from suture_policy import component, host
from suture_policy.contract import types
from suture_policy.contract.results import Err
said = []
real = sys.stdout
host.Imports.log = staticmethod(lambda level, message: said.append(message))
try:
    world = component.world("policy", trace={trace})
    alert = types.Alert(types.AlertStatus.FIRING, [("a", "b")], [], "2026-11-22T04:10:00Z", None, "", "")
    outcome = world().remediate(types.Incident("i", [("namespace", "n")], alert, 1, "{{}}"))
    answer = ["ok", outcome.value]
except Err as error:
    answer = ["err", error.value]
except component.BuildError as error:
    answer = ["build", str(error)]
real.write(json.dumps([*answer, said]))
"""


def play(source: str, *, trace: bool = False, manifest: str = MANIFEST) -> tuple[str, str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        text = f"from suture_policy import *\n{source.split('# top', 1)[0] if '# top' in source else ''}\n{manifest}"
        text += source.split("# top", 1)[-1]
        pathlib.Path(folder, "policy.py").write_text(text)
        script = PLAY.format(sdk=str(SDK), folder=folder, trace=trace)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        how, answer, said = json.loads(done.stdout)
        return how, answer, said


def body(line: str, top: str = "") -> str:
    return f"{top}\n# top\ndef remediate(incident):\n    {line}\n    return Outcome.escalate('done')\n"


class TestRuns(unittest.TestCase):
    def test_what_a_policy_has_not_is_said_with_what_it_has(self) -> None:
        cases = {
            ("import time", "time.time()"): "no clock of its own: use `clock.now()`",
            ("from time import monotonic", "monotonic()"): "no clock of its own",
            ("import time", "time.sleep(1)"): "use `clock.sleep(Duration(…))`",
            ("import datetime", "datetime.datetime.now()"): "no clock of its own",
            ("from datetime import date", "date.today()"): "no clock of its own",
            ("import random", "random.random()"): "no randomness",
            ("from random import choice", "choice([1])"): "no randomness",
            ("import uuid", "uuid.uuid4()"): "no randomness",
            ("import secrets", "secrets.token_hex()"): "no randomness",
            ("import os", "os.urandom(1)"): "no randomness",
            ("", "open('/etc/passwd')"): "no files",
            ("import pathlib", "pathlib.Path('x').read_text()"): "no files",
            ("import os", "os.listdir('/')"): "no files",
            ("import os", "os.environ['HOME']"): "take it from the settings",
            ("import os", "os.getenv('HOME')"): "take it from the settings",
            ("", "import colorsys"): "import it at the top of the file",
            ("", "input()"): "nobody to ask",
            ("", "import sys; sys.exit(3)"): "does not exit",
            ("", "1 / 0"): "ZeroDivisionError: division by zero",
            ("", "incident.key('nope')"): "`nope` is not among the manifest's key labels (namespace)",
            ("", "return None"): "`remediate` returned None; return an Outcome",
            ("", "kube.get(dict, 'a', 'b')"): "is no kind",
        }
        for (top, line), expected in cases.items():
            how, answer, _ = play(body(line, top))
            self.assertEqual(how, "err", line)
            self.assertIn(expected, answer, line)
            if "returned None" not in expected:
                self.assertRegex(answer, r"\(policy\.py:\d+ in remediate: ", line)

    def test_what_repeats_is_allowed(self) -> None:
        for top, line in (("import random", "random.Random(7).random()"), ("import datetime", "datetime.datetime.strptime('2020', '%Y')"), ("import os", "assert not os.path.exists('/etc')")):  # fmt: skip  # noqa: E501
            self.assertEqual(play(body(line, top))[:2], ("ok", "done"), line)

    def test_what_is_printed_and_logged_stands_in_the_timeline(self) -> None:
        how, _, said = play(body("print('a\\nb', end=''); logging.warning('careful')", "import logging"))
        self.assertEqual((how, said), ("ok", ["a", "WARNING:root:careful", "b"]))

    def test_stop_ends_a_run_from_inside_a_try(self) -> None:
        stopped = "\n    try:\n        stop.escalate('deep')\n    except Exception:\n        pass"
        self.assertEqual(play(body(stopped))[:2], ("ok", "deep"))

    def test_a_lone_surrogate_is_replaced(self) -> None:
        self.assertEqual(play(body("return Outcome.escalate('a\\ud800')"))[:2], ("ok", "a?"))

    def test_a_trace_says_which_line_made_a_call(self) -> None:
        _, _, said = play(body("clock.now()"), trace=True)
        self.assertRegex(said[0], r"^now at policy\.py:\d+ in remediate: clock\.now\(\)$")


class TestBuilds(unittest.TestCase):
    def test_what_is_wrong_with_a_module_fails_its_build(self) -> None:
        rest = "def remediate(incident):\n    return Outcome.escalate('x')\n"
        cases = {
            "import requests\n# top\n" + rest: "`requests`: a policy has no network: ask the host",
            "import socket\n# top\n" + rest: "a policy has no network",
            "import asyncio\n# top\n" + rest: "one thread of blocking code",
            "import subprocess\n# top\n" + rest: "starts no processes",
            "import time\nSTART = time.time()\n# top\n" + rest: "no clock of its own",
            "import nonesuch\n# top\n" + rest: "No module named 'nonesuch'",
            "async " + rest: "`remediate` is `async`",
            "x = 1\n": "has no function `remediate(incident, settings)`",
            "def remediate(a, b, c):\n    pass\n": "`remediate` takes the incident and the settings",
            "def remediate(incident:\n": "SyntaxError",
        }
        for source, expected in cases.items():
            how, answer, _ = play(source)
            self.assertEqual(how, "build", source)
            self.assertIn(expected, answer, source)
        self.assertIn("policy.py:", play("import requests\n# top\n" + rest)[1])
        self.assertIn("has no `manifest`", play(rest, manifest="")[1])


if __name__ == "__main__":
    unittest.main()

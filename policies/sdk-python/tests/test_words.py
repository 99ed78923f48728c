import json
import unittest
from dataclasses import dataclass

from suture_policy import Duration, Error, Manifest, Permission, Quantity, Time, kube, required, setting, text
from suture_policy import settings as settings_module


class TestDuration(unittest.TestCase):
    def test_a_duration_reads_back_as_it_is_written(self) -> None:
        for said in ("500ms", "4s", "10m", "2h", "1h30m", "1d2h3m4s5ms", "0s"):
            self.assertEqual(str(Duration(said)), said)

    def test_what_is_no_duration_is_refused(self) -> None:
        for said in ("5", "m", "1x", "-1s", "1.5h", "1h 30m", " 1h", "9" * 30 + "s"):
            with self.assertRaises(ValueError, msg=said):
                Duration(said)

    def test_durations_add_up_and_never_go_below_nothing(self) -> None:
        self.assertEqual(Duration("1h") + Duration(minutes=30), Duration("1h30m"))
        self.assertEqual(Duration("1s") - Duration("1h"), Duration())
        self.assertLess(Duration("1s"), Duration("1m"))


class TestQuantity(unittest.TestCase):
    def test_what_kubernetes_writes_is_read_and_written_as_it_does(self) -> None:
        for said, canonical in (
            ("1Gi", "1Gi"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1000Ki", "1000Ki"), ("0.5", "500m"), ("1500m", "1500m"),
            ("1000", "1k"), ("1e3", "1e3"), ("12e-1", "1200e-3"), ("1.2345M", "1234500"), ("-5Gi", "-5Gi"), (".5", "500m"),
            ("5.", "5"), ("0.5Ki", "512"), ("0.1n", "1n"), ("1E", "1E"), ("0", "0"), ("128974848", "128974848"),
            ("1e-200", "1e-9"), ("1e400", "9223372036854775807"), ("8Ei", "9223372036854775807"),
        ):  # fmt: skip
            self.assertEqual(str(Quantity(said)), canonical, said)
        for said in ("", "Gi", "1 Gi", "ten", "1.2.3", "1ki", "1e", "--1", "1e3.5", "1\n", "\u0661", "9" * 300):
            with self.assertRaises(ValueError, msg=said):
                Quantity(said)
            self.assertIsNone(Quantity.parse(said))

    def test_amounts_are_compared_and_added_however_they_are_written(self) -> None:
        self.assertEqual(Quantity("1024Mi"), Quantity("1Gi"))
        self.assertLess(Quantity("999m"), Quantity(1))
        self.assertEqual(str(Quantity("1Gi") + Quantity("512Mi")), "1536Mi")
        self.assertEqual(str(Quantity("1") - Quantity("250m")), "750m")
        self.assertEqual((Quantity("1.1").whole, Quantity("1500m").as_millis), (2, 1500))
        self.assertEqual((Quantity.bytes(1 << 30), Quantity.millis(500)), (Quantity("1Gi"), Quantity(0.5)))
        claim = kube.Object({"spec": {"storage": "10Gi"}, "metadata": {"generation": 3}})
        self.assertEqual((claim.quantity("/spec/storage"), claim.generation), (Quantity("10Gi"), 3))
        self.assertIsNone(claim.quantity("/spec"))


class TestTime(unittest.TestCase):
    def test_a_time_reads_back_as_it_is_written(self) -> None:
        for said in ("1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-22T04:10:00Z", "2100-03-01T00:00:00Z"):
            self.assertEqual(str(Time.parse(said)), said)
        self.assertEqual(Time.parse("2026-11-22T04:10:00Z"), Time(1_795_320_600_000))

    def test_fractions_and_offsets_are_understood(self) -> None:
        expected = Time(1_795_320_600_250)
        self.assertEqual(Time.parse("2026-11-22T05:40:00.25+01:30"), expected)
        self.assertEqual(Time.parse("2026-11-22T04:10:00.250999Z"), expected)

    def test_what_is_no_time_is_none(self) -> None:
        for said in ("", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T04:10:00", "2026-11-22T25:00:00Z", None, 7):
            self.assertIsNone(Time.parse(said), said)


class TestText(unittest.TestCase):
    def test_lines_become_one_without_control_characters(self) -> None:
        self.assertEqual(text.one_line(" a\n\n b\x1b[31m \n"), "a | b[31m")
        self.assertEqual(text.last_lines("a\nb\n\nc\n", 2, 100), "b | c")
        self.assertEqual(text.last_lines("\n", 2, 100), "")
        self.assertEqual(text.shortened("abcdef", 4), "abc…")


@dataclass(frozen=True)
class Settings:
    unlock: str = setting("never", "When.", choices=["never", "job"])
    start_timeout: Duration = setting(Duration("10m"), "How long.")
    lines: int = setting(10, "How many.", minimum=1, maximum=100)
    careful: bool = setting(True, "Whether.")


class TestSettings(unittest.TestCase):
    def test_settings_become_a_schema_that_knows_their_types_and_defaults(self) -> None:
        schema = settings_module.schema(Settings)
        self.assertEqual(schema["additionalProperties"], False)
        properties = schema["properties"]
        assert isinstance(properties, dict)
        self.assertEqual(properties["startTimeout"]["default"], "10m")
        self.assertEqual(properties["unlock"]["enum"], ["never", "job"])
        self.assertEqual((properties["lines"]["minimum"], properties["lines"]["maximum"]), (1, 100))
        self.assertEqual(properties["careful"], {"type": "boolean", "default": True, "description": "Whether."})

    def test_the_operators_settings_are_read_in_their_types(self) -> None:
        read = settings_module.read(Settings, json.dumps({"startTimeout": "1h", "unlock": "job", "lines": 3}))
        self.assertEqual((read.start_timeout, read.unlock, read.lines), (Duration("1h"), "job", 3))
        with self.assertRaises(Error):
            settings_module.read(Settings, '{"startTimeout": "soon"}')

    def test_a_required_setting_has_no_default(self) -> None:
        @dataclass(frozen=True)
        class Needed:
            name: str = required("string", "Which.", maxLength=63)

        self.assertEqual(settings_module.schema(Needed)["required"], ["name"])

    def test_a_setting_without_a_description_is_refused_with_how_to_write_it(self) -> None:
        @dataclass
        class Bare:
            lines: int = 3

        with self.assertRaisesRegex(TypeError, "Bare.lines has no description; write it as"):
            Manifest("x", "1.0.0", "x", [], settings=Bare)


class TestManifest(unittest.TestCase):
    def test_mistakes_are_refused_with_how_it_is_written(self) -> None:
        with self.assertRaisesRegex(ValueError, "is not a DNS label; write it like"):
            Manifest("Job_Failed", "1.0.0", "x", [])
        with self.assertRaisesRegex(ValueError, "is not a version"):
            Manifest("x", "1", "x", [])
        with self.assertRaisesRegex(TypeError, "`key` of the manifest is a list"):
            Manifest("x", "1.0.0", "x", [], key="namespace")
        with self.assertRaisesRegex(ValueError, "`watch` is no verb"):
            Manifest("x", "1.0.0", "x", [], permissions=[Permission.to("", ["pods"], ["watch"], "r")])
        with self.assertRaisesRegex(TypeError, "is a list"):
            Permission.to("", "pods", ["get"], "r")

    def test_a_permission_says_under_which_settings_it_is_asked_for(self) -> None:
        asked = Permission.to("batch", ["jobs"], ["create"], "to run it").when("unlock", "job").when("deep.er", True)
        self.assertEqual(asked.to_wit().when, ["unlock=job", "deep.er=true"])


if __name__ == "__main__":
    unittest.main()

"""What is told, on a cluster that each test describes."""

import unittest

import policy
from changes import leaves
from subject import subject_of
from suture_policy import testing
from words import joined, redacted


def pod(name: str = "plex-0", **status: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "media", "uid": "p0", "creationTimestamp": "2026-11-21T04:10:00Z"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "plex"}]},
        "status": {"phase": "Running", **status},
    }


CRASHING = pod(
    containerStatuses=[
        {
            "name": "plex",
            "restartCount": 14,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        }
    ]
)
ALERT = {"alertname": "KubePodCrashLooping", "namespace": "media", "pod": "plex-0", "container": "plex"}
NOW = "2026-11-22T04:10:00Z"


class TestLook(unittest.TestCase):
    def test_a_pod_that_crashes_is_told_with_its_last_words_and_nothing_is_changed(self) -> None:
        cluster = testing.Cluster([CRASHING], now=NOW, logs={"media/plex-0/plex": "loading\npassword=hunter2 refused\n"})
        outcome = testing.run(policy, ALERT, cluster)
        self.assertEqual(outcome.kind, "escalate")
        self.assertIn("container plex: CrashLoopBackOff, last exit code 137 (OOMKilled), 14 restarts", outcome.summary)
        self.assertIn("ends: loading | password=… refused", outcome.summary)
        self.assertTrue(outcome.summary.endswith("Next: kubectl -n media describe pod plex-0"), outcome.summary)
        self.assertEqual(cluster.changes, [])

    def test_what_can_not_be_read_keeps_nothing_else_back(self) -> None:
        cluster = testing.Cluster([CRASHING], now=NOW)
        for call in ("list Event", "logs", "get Node"):
            cluster.fail(call, "Denied")
        summary = testing.run(policy, ALERT, cluster).summary
        self.assertIn("CrashLoopBackOff", summary)
        self.assertIn("he log of plex can't be read (not granted)", summary)

    def test_an_outage_is_waited_for_once_and_then_told(self) -> None:
        cluster = testing.Cluster(now=NOW)
        cluster.fail("get", "Unavailable", "connection refused")
        self.assertEqual(testing.run(policy, ALERT, cluster).kind, "retry")
        second = testing.incident(policy, ALERT, attempt=2)
        self.assertIn("connection refused", testing.run(policy, second, cluster).summary)

    def test_odd_objects_are_looked_at_all_the_same(self) -> None:
        odd: list[object] = [None, [], {}, "x", 7, [None], {"a": None}]
        for value in odd:
            for part in ("status", "spec"):
                one = {**pod(), part: value}
                testing.run(policy, ALERT, testing.Cluster([one], now=NOW))
            one = pod(containerStatuses=value, conditions=value, reason=value)
            one["metadata"] = {"name": "plex-0", "namespace": "media", "managedFields": value, "ownerReferences": value}
            testing.run(policy, ALERT, testing.Cluster([one], now=NOW))


class TestSubject(unittest.TestCase):
    def test_the_exporter_is_not_what_an_alert_is_about(self) -> None:
        exporter = {"namespace": "media", "pod": "kube-state-metrics-7575857457-8p2xj", "container": "kube-state-metrics"}
        self.assertEqual(str(subject_of({**exporter, "deployment": "plex"})), "Deployment media/plex")
        self.assertEqual(str(subject_of({**exporter, "node": "node-1"})), "Node node-1")
        self.assertEqual(str(subject_of(exporter)), "Pod media/kube-state-metrics-7575857457-8p2xj")
        exported = {**exporter, "namespace": "monitoring", "exported_namespace": "media", "exported_pod": "plex-0"}
        self.assertEqual(str(subject_of(exported)), "Pod media/plex-0")

    def test_what_is_no_name_is_never_looked_up(self) -> None:
        for name in ("../x", "a b", "A", "x" * 300, "-a", "a\n"):
            self.assertIsInstance(subject_of({"namespace": "media", "pod": name}), str, name)
        self.assertIsInstance(subject_of({"alertname": "X"}), str)
        self.assertIsInstance(subject_of({"pod": "x"}), str)


class TestWords(unittest.TestCase):
    def test_passwords_are_left_out(self) -> None:
        for said in (
            "password=hunter2", 'DB_PASSWORD: "hunter2"', '{"token": "hunter2"}', "Authorization: Bearer hunter2hunter2",
            "postgres://user:hunter2@db/x", "api_key=hunter2", "Bearer hunter2hunter2",
        ):  # fmt: skip
            self.assertNotIn("hunter2", redacted(said), said)
        self.assertEqual(redacted("no secrets here"), "no secrets here")

    def test_what_to_type_next_is_never_cut(self) -> None:
        self.assertEqual(joined(["x" * 50, "y" * 50, "Next: z"], 40)[-9:], ". Next: z")

    def test_owned_fields_read_as_paths(self) -> None:
        fields = {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, "f:image": {}}}}, "f:metadata": {"f:labels": {}}}
        self.assertEqual(list(leaves(fields)), ["spec.containers[app].image", "metadata.labels"])


if __name__ == "__main__":
    unittest.main()

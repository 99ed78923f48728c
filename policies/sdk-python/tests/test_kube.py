import types
import unittest
from typing import Any

from suture_policy import Duration, Error, Incident, Manifest, Outcome, kube, stop, testing
from suture_policy.kube import Job, Pod, op

JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a", "namespace": "n", "labels": {"app": "x"}}}


def run(remediate: Any, cluster: testing.Cluster) -> Outcome:
    policy = types.ModuleType("policy")
    policy.manifest = Manifest("x", "1.0.0", "x", [])  # type: ignore[attr-defined]
    policy.remediate = remediate  # type: ignore[attr-defined]
    return testing.run(policy, {}, cluster)


class TestChanges(unittest.TestCase):
    def test_a_guard_takes_back_what_was_not_kept(self) -> None:
        def remediate(_: Incident) -> Outcome:
            job = kube.ref(Job, "n", "a")
            undo = job.json_patch([op.test("/spec/suspend", True), op.remove("/spec/suspend")])
            with job.merge_patch({"spec": {"suspend": True}}).undo(undo).send() as suspended:
                assert suspended.object.at("/spec/suspend") is True
                stop.escalate("in the middle")

        cluster = testing.Cluster([JOB])
        self.assertEqual(run(remediate, cluster).summary, "in the middle")
        self.assertEqual(cluster.changes, ["patch Job n/a", "undo patch Job n/a"])
        self.assertEqual(cluster.find("Job", "n", "a")["spec"], {})  # type: ignore[index]

    def test_what_is_kept_stays_and_what_nobody_settled_the_host_takes_back(self) -> None:
        def remediate(_: Incident) -> Outcome:
            kube.create(Job, "n", {"metadata": {"name": "b"}}).undo_by_deleting().send().keep()
            kube.create(Job, "n", {"metadata": {"generateName": "c-"}}).undo_by_deleting().send()
            return Outcome.remediated("done")

        cluster = testing.Cluster()
        run(remediate, cluster)
        self.assertIsNotNone(cluster.find("Job", "n", "b"))
        self.assertEqual(len(cluster.changes), 3)
        self.assertTrue(cluster.changes[2].startswith("undo delete Job n/c-"))

    def test_errors_say_which_they_are(self) -> None:
        def remediate(_: Incident) -> Outcome:
            try:
                kube.create(Job, "n", {"metadata": {"name": "a"}}).send()
            except Error as error:
                return Outcome.escalate(f"{error.is_already_exists} {error}")
            return Outcome.remediated("made")

        self.assertEqual(run(remediate, testing.Cluster([JOB])).summary, "True AlreadyExists: Job n/a already exists")


class TestReading(unittest.TestCase):
    def test_lists_are_read_to_their_last_page(self) -> None:
        def remediate(_: Incident) -> Outcome:
            jobs = kube.list(Job, "n", labels={"app": "x"}, page=2)
            return Outcome.escalate(" ".join(job.name for job in jobs))

        jobs = [{**JOB, "metadata": {"name": f"j{i}", "namespace": "n", "labels": {"app": "x"}}} for i in range(5)]
        cluster = testing.Cluster([*jobs, {**JOB, "metadata": {"name": "other", "namespace": "n"}}])
        self.assertEqual(run(remediate, cluster).summary, "j0 j1 j2 j3 j4")
        self.assertEqual(cluster.calls, ["list Job n/"] * 3)

    def test_a_wait_ends_when_it_is_so_or_gone_or_late(self) -> None:
        def remediate(_: Incident) -> Outcome:
            job = kube.ref(Job, "n", "a")
            met = job.wait(kube.job_finished(), Duration("10m")).met
            late = job.wait(kube.field("/spec/suspend").equals(True), Duration("1m"))
            gone = job.wait(kube.deleted(), Duration("1h"))
            return Outcome.escalate(f"{met is not None and met.is_complete} {late.timeout} {gone.deleted}")

        cluster = testing.Cluster([JOB])
        done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
        cluster.later("5m", lambda later: later.patch("Job", "n", "a", done))
        cluster.later("30m", lambda later: later.remove("Job", "n", "a"))
        self.assertEqual(run(remediate, cluster).summary, "True True True")

    def test_what_is_missing_or_odd_is_nothing(self) -> None:
        odd = Pod({"metadata": {"labels": {"a": 1, "b": "c"}, "ownerReferences": "x"}, "status": ["?"]})
        self.assertEqual((odd.phase, odd.containers, odd.owners, odd.labels), ("", [], [], {"b": "c"}))
        self.assertEqual((odd.number("/a/b/c"), odd.text("/metadata/labels/a"), odd.time("/x")), (0, "", None))
        self.assertEqual(odd.telling_container(), "")

    def test_the_container_that_failed_tells_most(self) -> None:
        def ended(name: str, code: int) -> dict[str, Any]:
            return {"name": name, "state": {"terminated": {"exitCode": code, "reason": "Error"}}}

        pod = Pod({"status": {"containerStatuses": [ended("proxy", 137), ended("a", 3)]}})
        self.assertEqual((pod.telling_container(["a"]), pod.how_it_ended("a")), ("a", "container a: exit code 3"))

    def test_a_kind_that_is_known_only_in_a_run_is_one(self) -> None:
        self.assertIs(kube.kind("batch/v1", "Job"), Job)
        found = kube.kind("example.org/v1", "Backup")
        self.assertEqual((found.api_version, found.kind), ("example.org/v1", "Backup"))


if __name__ == "__main__":
    unittest.main()

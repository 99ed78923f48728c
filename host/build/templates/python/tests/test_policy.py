"""What the policy says and does, on a cluster that each test describes."""

import unittest

import policy
from suture_policy import testing

ALERT = {"alertname": "KubeJobFailed", "namespace": "shop", "job_name": "import"}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "import", "namespace": "shop", "uid": "j0"},
    "spec": {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "j0"}}, "template": {"spec": {}}},
    "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "import-x", "namespace": "shop", "labels": {"batch.kubernetes.io/controller-uid": "j0"}},
    "status": {"containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}]},
}


class TestPolicy(unittest.TestCase):
    def test_a_job_that_is_gone_needs_nothing(self) -> None:
        outcome = testing.run(policy, ALERT, testing.Cluster())
        self.assertEqual((outcome.kind, outcome.summary), ("unnecessary", "the Job is gone"))

    def test_the_reason_the_exit_code_and_the_last_line_are_told(self) -> None:
        cluster = testing.Cluster([JOB, POD], logs={"shop/import-x": "connecting\nFATAL: no password\n"})
        outcome = testing.run(policy, ALERT, cluster)
        self.assertEqual(outcome.kind, "escalate")
        self.assertIn("BackoffLimitExceeded; container main of pod import-x: Error, exit code 3", outcome.summary)
        self.assertIn("its log ends: FATAL: no password", outcome.summary)
        self.assertEqual(cluster.changes, [])

    def test_a_log_that_can_not_be_read_keeps_nothing_back(self) -> None:
        cluster = testing.Cluster([JOB, POD])
        cluster.fail("logs", "Denied")
        self.assertIn("exit code 3, its log can't be read (Denied)", testing.run(policy, ALERT, cluster).summary)

    def test_a_new_job_that_does_not_end_is_removed(self) -> None:
        cluster = testing.Cluster([JOB])
        outcome = testing.run(policy, ALERT, cluster, settings={"retry": True, "patience": "10m"})
        self.assertIn("did not end within 10m: it is removed", outcome.summary)
        self.assertEqual(cluster.changes, ["create Job shop/import-again", "undo delete Job shop/import-again"])

    def test_a_new_job_that_completes_stays(self) -> None:
        cluster = testing.Cluster([JOB])
        done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
        cluster.later("5m", lambda later: later.patch("Job", "shop", "import-again", done))
        outcome = testing.run(policy, ALERT, cluster, settings={"retry": True})
        self.assertEqual((outcome.kind, cluster.changes), ("remediated", ["create Job shop/import-again"]))


if __name__ == "__main__":
    unittest.main()

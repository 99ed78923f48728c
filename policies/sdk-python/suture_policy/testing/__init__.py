"""Running a policy without WebAssembly, against a cluster that a test describes.

    import unittest
    from suture_policy import testing
    import policy

    class JobFailed(unittest.TestCase):
        def test_a_job_that_is_gone_needs_nothing(self) -> None:
            cluster = testing.Cluster(now="2026-11-22T04:10:00Z")
            outcome = testing.run(policy, {"namespace": "media", "job_name": "backup"}, cluster)
            self.assertEqual(outcome.kind, "unnecessary")
            self.assertEqual(cluster.changes, [])

For what happens over time, what is killed, and what somebody else does in between there are
scenarios: `suture test`.
"""

from .cluster import Cluster
from .running import incident, run

__all__ = ["Cluster", "incident", "run"]

-- The oldest that is over of one policy is found without looking at those of the others:
-- where the journal reaches its limit, the policy that holds the most loses that first.
CREATE INDEX runs_policy_ended ON runs (policy, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX incidents_policy_closed ON incidents (policy, closed_at) WHERE closed_at IS NOT NULL;

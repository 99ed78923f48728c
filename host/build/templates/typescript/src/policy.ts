// {{name}}: says why a Job failed and, where the operator wants it, makes it anew, once.

import { Duration, type Incident, Outcome, isAlreadyExists, kube, log, permission, policy, setting, stop } from "suture-policy";
import { evidence } from "./evidence.ts";

export const { manifest, remediate } = policy({
  name: "{{name}}",
  version: "0.1.0",
  description: "Says why a Job failed and, by setting, makes it anew once.",
  // The alerts it is for, and the labels that say which Job it is about.
  matchers: ['alertname="KubeJobFailed"'],
  key: ["namespace", "job_name"],
  // What the operator is asked to allow, and why. The host allows nothing else.
  permissions: [
    permission("batch", ["jobs"], ["get"], "to see whether the Job failed, and why"),
    permission("", ["pods"], ["list"], "to see which of its containers failed"),
    permission("", ["pods/log"], ["get"], "to show the last line of its log"),
    permission("batch", ["jobs"], ["create", "delete"], "to make it anew, and to remove what did not end").when("retry", true),
  ],
  // What the operator may set: a default, from which the type follows, and what it means.
  settings: {
    retry: setting(false, "Whether a failed Job is made anew, once, as NAME-again."),
    patience: setting(Duration.minutes(30), "How long the new Job may take."),
  },

  remediate(incident, settings) {
    const job = failed(incident);
    const why = evidence(job);
    if (!settings.retry) return Outcome.escalate(`${why}. \`retry\` is off: nothing was done`);

    log.step(`making ${job.metadata.name} anew`);
    const again = make(job, why);
    const waited = kube.of(again.object).wait(kube.finished(), settings.patience);
    if (waited.tag !== "met") return Outcome.escalate(`${why}. The new Job did not end within ${settings.patience}: it is removed`);
    // It is over: it stays, whatever came of it. Until here, the host would remove it with the run.
    again.keep();
    const complete = kube.condition(waited.object, "Complete")?.status === "True";
    if (!complete) return Outcome.escalate(`${why}. Made anew it failed again: ${evidence(waited.object)}`);
    return Outcome.remediated(`${again.object.metadata.name} completed, after: ${why}`);
  },
});

/** The Job of the alert. Where it has not failed there is nothing to do. */
function failed(incident: Incident): kube.Job {
  const job = kube.find(kube.Job, incident.key("namespace"), incident.key("job_name"));
  if (!job) stop.unnecessary("the Job is gone");
  if (kube.condition(job, "Failed")?.status !== "True") stop.unnecessary(`Job ${job.metadata.name} has not failed`);
  return job;
}

/** Make it anew, under a name that is always the same: a second one can't be made. */
function make(job: kube.Job, why: string): kube.Undo<kube.Job> {
  const { namespace = "", name, labels = {} } = job.metadata;
  const { selector: _, template = {}, ...spec } = job.spec ?? {};
  // What the Job's controller has added belongs to the old one.
  const own = Object.entries(labels).filter(([label]) => !/(controller-uid|job-name)$/.test(label));
  const metadata = { name: `${name.slice(0, 57)}-again`, labels: Object.fromEntries(own) };
  try {
    const pods = { ...template, metadata: { labels: Object.fromEntries(own) } };
    return kube.create(kube.Job, namespace, { metadata, spec: { ...spec, template: pods } }).undoByDeleting().send();
  } catch (error) {
    if (isAlreadyExists(error)) stop.escalate(`${why}. It was made anew before, as ${metadata.name}: see \`kubectl -n ${namespace} describe job ${metadata.name}\``);
    throw error;
  }
}

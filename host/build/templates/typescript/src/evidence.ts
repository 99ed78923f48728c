// What can be seen of a Job's failure, in one sentence.

import { isHostError, kube, text } from "suture-policy";

/** Why a Job failed: its condition, and the container that ended badly, with its last words. */
export function evidence(job: kube.Job): string {
  const { namespace = "", name, uid = "" } = job.metadata;
  const condition = kube.condition(job, "Failed");
  const why = `Job ${namespace}/${name} failed: ${condition?.reason ?? "it does not say why"}`;
  const pods = kube.list(kube.Pod).inNamespace(namespace).withLabel("batch.kubernetes.io/controller-uid", uid).pagesOf(50).read();
  for (const pod of pods) {
    const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
    for (const { name: container, state } of [...initContainerStatuses, ...containerStatuses]) {
      const ended = state?.terminated;
      if (!ended || ended.exitCode === 0) continue;
      const how = `container ${container} of pod ${pod.metadata.name}: ${ended.reason ?? "Error"}, exit code ${ended.exitCode}`;
      return `${why}; ${how}${lastLine(pod, container)}`;
    }
  }
  return pods.length === 0 ? `${why}; its pods are gone` : why;
}

function lastLine(pod: kube.Pod, container: string): string {
  try {
    const line = text.lastLines(kube.of(pod).logs(container, 5), 1, 200);
    return line && `, its log ends: ${line}`;
  } catch (error) {
    // The evidence is worth having without the log, too.
    if (!isHostError(error)) throw error;
    return `, its log can't be read (${error.reason})`;
  }
}

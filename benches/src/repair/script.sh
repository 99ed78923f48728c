#!/bin/sh
# What a shell script does for each source: the steps of the policy, with kubectl.
# Usage: script.sh KUBECTL NAMESPACE TAG SOURCE…
set -eu
kubectl=$1 namespace=$2 tag=$3
shift 3
for source in "$@"; do
    failed=$("$kubectl" -n "$namespace" get replicationsource "$source" -o 'jsonpath={.status.latestMoverStatus.logs}')
    case $failed in *"already locked"*) ;; *) echo "$source is not locked" >&2; exit 1 ;; esac
    holder=$(printf '%s\n' "$failed" | sed -n 's/.* on \([^ ]*\) by .*/\1/p')
    "$kubectl" -n "$namespace" get jobs -l app.kubernetes.io/created-by=volsync -o name >/dev/null
    "$kubectl" -n "$namespace" get pods -l "job-name=volsync-src-$source" -o name >/dev/null
    "$kubectl" -n "$namespace" get volumesnapshot "volsync-$source-src" --ignore-not-found -o name >/dev/null
    [ -z "$("$kubectl" get pods -A --field-selector "metadata.name=$holder" -o name)" ]
    "$kubectl" -n "$namespace" patch replicationsource "$source" --type merge \
        -p "{\"spec\":{\"trigger\":{\"manual\":\"$tag\"},\"restic\":{\"unlock\":\"$tag\"}}}" >/dev/null
    "$kubectl" -n "$namespace" wait replicationsource "$source" --timeout 60s \
        --for "jsonpath={.status.lastManualSync}=$tag" >/dev/null
    "$kubectl" -n "$namespace" patch replicationsource "$source" --type json \
        -p '[{"op":"remove","path":"/spec/trigger/manual"}]' >/dev/null
done

{{/* Values that would not work, or would be unsafe, end the render with what to set instead. */}}

{{/* {root, risk, message}: an unsafe value that may be accepted. */}}
{{- define "suture.risk" -}}
{{- if not (has .risk .root.Values.acceptedRisks) -}}
{{- fail (printf "%s. Or accept it: `acceptedRisks: [%s]`" .message .risk) -}}
{{- end -}}
{{- end -}}

{{- define "suture.check" -}}
{{- if .Values.existingConfigMap -}}
{{- if or .Values.policies .Values.config .Values.configFiles -}}
{{- fail "existingConfigMap takes the place of `policies`, `config` and `configFiles`: leave those empty" -}}
{{- end -}}
{{- if .Values.rbac.create -}}
{{- fail "existingConfigMap: the chart can't read its grants. Set `rbac.create: false`, and apply what `suture rbac` prints" -}}
{{- end -}}
{{- else -}}
{{- include "suture.checkListeners" . -}}
{{- include "suture.checkPolicies" . -}}
{{- end -}}
{{- if hasKey .Values.configFiles "suture.yaml" -}}
{{- fail "configFiles: suture.yaml is made of `config` and `policies`" -}}
{{- end -}}
{{- if not .Values.persistence.enabled -}}
{{- include "suture.risk" (dict "root" . "risk" "ephemeralJournal" "message" "persistence.enabled is false: with the pod goes what runs have begun, and a schedule that one has switched off stays so. Set `persistence.enabled: true`") -}}
{{- end -}}
{{- if and (ne .Values.image.digest "") (not (regexMatch "^sha256:[0-9a-f]{64}$" .Values.image.digest)) -}}
{{- fail "image.digest: `sha256:` and 64 hexadecimal digits" -}}
{{- end -}}
{{- range .Values.extraVolumeMounts -}}
{{- if or (eq .mountPath "/etc/suture") (hasPrefix "/etc/suture/" .mountPath) -}}
{{- fail (printf "extraVolumeMounts: %s is below /etc/suture, a projected volume in which nothing can be mounted. Use `configSources`, or another path" .mountPath) -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.tokens.admin.enabled) (or .Values.drain.enabled .Values.test.enabled) -}}
{{- fail "tokens.admin.enabled is false, and the jobs that drain and test the host need that token. Set it, or `drain.enabled: false` and `test.enabled: false`; then drain the host by hand before you uninstall it" -}}
{{- end -}}
{{- if and (eq (include "suture.adminScheme" .) "https") (not .Values.client.caFile) (or .Values.drain.enabled .Values.test.enabled) -}}
{{- fail "config.admin.tls is set, and the jobs that drain and test the host don't know its authority. Set `client.caFile`, with `client.volumes` and `client.volumeMounts` that hold it" -}}
{{- end -}}
{{- end -}}

{{- define "suture.checkListeners" -}}
{{- $admin := default dict .Values.config.admin -}}
{{- $webhook := default dict .Values.config.webhook -}}
{{- $knowsAdmin := or .Values.tokens.admin.enabled .Values.config.people $admin.basicAuth (dig "tls" "clientCaFile" "" $admin) -}}
{{- if not $knowsAdmin -}}
{{- fail "tokens.admin.enabled is false: whoever reaches the API may do everything. Set `tokens.admin.enabled: true`, or `config.people` (or `config.admin.basicAuth`, or `config.admin.tls.clientCaFile`)" -}}
{{- end -}}
{{- if and .Values.tokens.metrics.enabled (not (or .Values.tokens.admin.enabled .Values.config.people $admin.basicAuth)) -}}
{{- fail "tokens.metrics.enabled is true, and nobody else needs a token. Set `tokens.admin.enabled: true`, or `tokens.metrics.enabled: false`" -}}
{{- end -}}
{{- if not (or .Values.tokens.webhook.enabled $webhook.basicAuth (dig "tls" "clientCaFile" "" $webhook)) -}}
{{- include "suture.risk" (dict "root" . "risk" "openWebhook" "message" "tokens.webhook.enabled is false: whoever reaches the address can post alerts. Set `tokens.webhook.enabled: true`, or `config.webhook.basicAuth` or `config.webhook.tls.clientCaFile`") -}}
{{- end -}}
{{- $secrets := list -}}
{{- range $key, $token := .Values.tokens -}}
{{- if $token.enabled -}}
{{- $secret := printf "%s/%s" (include "suture.tokenSecret" (dict "root" $ "token" $token)) $token.key -}}
{{- if has $secret $secrets -}}
{{- fail (printf "tokens: the key `%s` is named for two tokens. Give each its own: whoever reads Alertmanager's configuration could do everything here" $secret) -}}
{{- end -}}
{{- $secrets = append $secrets $secret -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "suture.checkPolicies" -}}
{{- $names := list -}}
{{- range $at, $policy := .Values.policies -}}
{{- $here := printf "policies[%d] (%s)" $at $policy.name -}}
{{- if has $policy.name $names -}}{{- fail (printf "%s: there is a policy of this name already" $here) -}}{{- end -}}
{{- $names = append $names $policy.name -}}
{{- with dig "source" "oci" nil $policy -}}
{{- $reference := kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "reference") -}}
{{- $key := get (kindIs "map" . | ternary . dict) "key" -}}
{{- if and (not (contains "@sha256:" $reference)) (not $key) -}}
{{- include "suture.risk" (dict "root" $ "risk" "unpinnedPolicy" "message" (printf "%s: who may push to the registry decides what runs under these grants. Write the digest into `source.oci.reference` (`%s@sha256:…`), or set `source.oci.key`" $here $reference)) -}}
{{- end -}}
{{- end -}}
{{- $confirm := default "prometheus" $policy.confirm -}}
{{- if kindIs "map" $confirm -}}{{- $confirm = $confirm.by -}}{{- end -}}
{{- if and (eq $confirm "none") (eq (default "observe" $policy.mode) "enforce") -}}
{{- include "suture.risk" (dict "root" $ "risk" "unconfirmedChanges" "message" (printf "%s: with `confirm: none` and `mode: enforce` whoever can post an alert changes the cluster. Leave `confirm` out, or use `confirm: {by: key}`" $here)) -}}
{{- end -}}
{{- if and (ne $confirm "none") (not (default dict $.Values.config.prometheus).url) -}}
{{- fail (printf "%s: Prometheus confirms its alerts. Set `config.prometheus.url`" $here) -}}
{{- end -}}
{{- range $number, $grant := default list $policy.grants -}}
{{- include "suture.checkGrant" (dict "root" $ "grant" $grant "here" (printf "%s, grants[%d]" $here $number)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "suture.checkGrant" -}}
{{- $groups := default list .grant.groups -}}
{{- $everywhere := kindIs "map" .grant.namespaceSelector -}}
{{- range default list .grant.namespaces -}}
{{- if include "suture.isPattern" . -}}{{- $everywhere = true -}}
{{- else if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .) -}}
{{- fail (printf "%s: no namespace is called `%s`. Write your own in `namespaces`" $.here .) -}}
{{- end -}}
{{- end -}}
{{- if has "*" $groups -}}
{{- include "suture.risk" (dict "root" .root "risk" "everyGroup" "message" (printf "%s: `groups: [\"*\"]` gives these resources of every API group, and of those that come. Name the groups that are meant" .here)) -}}
{{- end -}}
{{- if and $everywhere (has "secrets" (default list .grant.resources)) (or (has "" $groups) (has "*" $groups)) -}}
{{- include "suture.risk" (dict "root" .root "risk" "secretsEverywhere" "message" (printf "%s: RBAC would show the Secrets of every namespace to the host. Name the namespaces that are meant in `namespaces`" .here)) -}}
{{- end -}}
{{- end -}}

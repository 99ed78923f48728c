{{/* suture.yaml: what the chart sets, then `config`, then `policies`. */}}

{{- define "suture.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $address := .Values.listenAddress -}}
{{- if contains ":" $address -}}{{- $address = printf "[%s]" $address -}}{{- end -}}
{{- $webhook := dict -}}
{{- $admin := dict "listen" (printf "%s:8081" $address) -}}
{{- if .Values.tokens.webhook.enabled -}}{{- $_ := set $webhook "tokenFile" "/etc/suture/tokens/webhook" -}}{{- end -}}
{{- if .Values.tokens.admin.enabled -}}{{- $_ := set $admin "tokenFile" "/etc/suture/tokens/admin" -}}{{- end -}}
{{- if .Values.tokens.metrics.enabled -}}{{- $_ := set $admin "metricsTokenFile" "/etc/suture/tokens/metrics" -}}{{- end -}}
{{/* The host knows the names of a Service that is called `suture`; others it must be told. */}}
{{- $name := include "suture.fullname" . -}}
{{- if ne $name "suture" -}}
{{- $service := printf "%s.%s" $name .Release.Namespace -}}
{{- $hosts := list $name $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service) -}}
{{- $_ := set $admin "hosts" (concat $hosts (dig "admin" "hosts" list $config)) -}}
{{- end -}}
{{- $own := dict
  "listen" (printf "%s:8080" $address)
  "webhook" $webhook
  "admin" $admin
  "storage" (dict "path" "/var/lib/suture")
  "cluster" (dict "live" (dict "namespace" .Release.Namespace "approvals" .Values.approvals.enabled)) -}}
{{- $config = mergeOverwrite $config $own -}}
{{- $_ := set $config "policies" .Values.policies -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What counts from the next start on: all but policies and people, which change while the host runs. */}}
{{- define "suture.restartChecksum" -}}
{{- $config := include "suture.config" . | fromYaml -}}
{{- omit $config "policies" "people" | toJson | sha256sum -}}
{{- end -}}

{{/* The name of the Lease; nothing where it is turned off. */}}
{{- define "suture.lease" -}}
{{- $lease := dig "cluster" "live" "lease" (dict) .Values.config -}}
{{- if kindIs "map" $lease -}}{{- default "suture" $lease.name -}}{{- else if $lease -}}suture{{- end -}}
{{- end -}}

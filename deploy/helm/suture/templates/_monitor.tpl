{{/* The endpoint of a ServiceMonitor and a PodMonitor: {root, monitor}. */}}
{{- define "suture.endpoint" -}}
port: admin
path: /metrics
scheme: {{ include "suture.adminScheme" .root }}
interval: {{ .monitor.interval }}
{{- with .monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- $tokens := .root.Values.tokens }}
{{- $name := ternary "metrics" "admin" $tokens.metrics.enabled }}
{{- $token := get $tokens $name }}
{{- if $token.enabled }}
authorization:
  type: Bearer
  credentials: {name: {{ include "suture.tokenSecret" (dict "root" .root "token" $token) | quote }}, key: {{ $token.key | quote }}}
{{- end }}
{{- range $key := list "tlsConfig" "relabelings" "metricRelabelings" }}
{{- with get $.monitor $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The `job` of the target. */}}
{{- define "suture.job" -}}
{{- if and .Values.podMonitor.enabled (not .Values.serviceMonitor.enabled) -}}
{{- printf "%s/%s" .Release.Namespace (include "suture.fullname" .) -}}
{{- else -}}
{{- include "suture.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* Names, labels, and what several objects say alike. */}}

{{- define "suture.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "suture.fullname" -}}
{{- $name := include "suture.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "suture.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "suture.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: the ServiceAccount that the host runs as, since serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What never changes: selectors can't. */}}
{{- define "suture.selectorLabels" -}}
app.kubernetes.io/name: {{ include "suture.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the host's pod; the jobs that ask it are the component `client`. */}}
{{- define "suture.hostLabels" -}}
{{ include "suture.selectorLabels" . }}
app.kubernetes.io/component: host
{{- end -}}

{{- define "suture.clientLabels" -}}
{{ include "suture.selectorLabels" . }}
app.kubernetes.io/component: client
{{- end -}}

{{/* `metadata` of an object: {root, name?, namespace?, labels?, annotations?}. */}}
{{- define "suture.metadata" -}}
{{- $root := .root -}}
metadata:
  name: {{ default (include "suture.fullname" $root) .name | quote }}
  {{- if not .ofCluster }}
  namespace: {{ default $root.Release.Namespace .namespace | quote }}
  {{- end }}
  labels:
    {{- include "suture.selectorLabels" $root | nindent 4 }}
    app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
    app.kubernetes.io/managed-by: {{ $root.Release.Service }}
    helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | quote }}
    {{- with merge (deepCopy (default dict .labels)) $root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (deepCopy (default dict .annotations)) $root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "suture.image" -}}
{{- with .Values.image -}}
{{- $repository := required "image.repository: the image that you built and pushed (deploy/image/README.md), as registry.example.com/suture" .repository -}}
{{- if .digest -}}
{{- printf "%s@%s" $repository .digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the host's pod and the jobs' pods have alike. */}}
{{- define "suture.podSpec" -}}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- range $key := list "priorityClassName" "runtimeClassName" "schedulerName" "nodeSelector" "tolerations" "affinity" "dnsPolicy" "dnsConfig" "hostAliases" }}
{{- with get $.Values $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "suture.container" -}}
name: suture
image: {{ include "suture.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* The Secret of a token: {root, token}. */}}
{{- define "suture.tokenSecret" -}}
{{- default (printf "%s-tokens" (include "suture.fullname" .root)) .token.existingSecret -}}
{{- end -}}

{{/* Whether the API speaks TLS: `https` or `http`; the same of the webhook. */}}
{{- define "suture.adminScheme" -}}
{{- if dig "admin" "tls" "" .Values.config }}https{{ else }}http{{ end -}}
{{- end -}}
{{- define "suture.webhookScheme" -}}
{{- if dig "webhook" "tls" "" .Values.config }}https{{ else }}http{{ end -}}
{{- end -}}

{{- define "suture.server" -}}
{{- printf "%s://%s.%s.svc:%v" (include "suture.adminScheme" .) (include "suture.fullname" .) .Release.Namespace .Values.service.adminPort -}}
{{- end -}}

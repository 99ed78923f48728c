{{/* The pod of a job that asks the host: {root, args}. */}}
{{- define "suture.clientPod" -}}
{{- $root := .root -}}
restartPolicy: Never
automountServiceAccountToken: false
{{ include "suture.podSpec" $root }}
containers:
- {{ include "suture.container" $root | indent 2 | trim }}
  args: {{ toJson .args }}
  env:
  - {name: SUTURE_SERVER, value: {{ include "suture.server" $root | quote }}}
  - {name: SUTURE_TOKEN_FILE, value: /token/admin}
  {{- with $root.Values.client }}
  {{- with .caFile }}
  - {name: SUTURE_CA_FILE, value: {{ . | quote }}}
  {{- end }}
  {{- with .identityFile }}
  - {name: SUTURE_IDENTITY_FILE, value: {{ . | quote }}}
  {{- end }}
  {{- with .resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
  - {name: token, mountPath: /token, readOnly: true}
  {{- with .volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
volumes:
- name: token
  secret:
    secretName: {{ include "suture.tokenSecret" (dict "root" $root "token" $root.Values.tokens.admin) | quote }}
    items: [{key: {{ $root.Values.tokens.admin.key | quote }}, path: admin}]
    defaultMode: 288
{{- with $root.Values.client.volumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "plumbline.labels" -}}
app.kubernetes.io/name: plumbline
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "plumbline.secret" -}}
{{ default (printf "%s-token" .Release.Name) .Values.existingSecret }}
{{- end }}

{{- define "plumbline.tokenVariable" -}}
{{- if or .Values.token .Values.existingSecret .Values.hub.enabled }}
- name: PLUMBLINE_TOKEN
  valueFrom:
    secretKeyRef: { name: {{ include "plumbline.secret" . }}, key: token }
{{- end }}
{{- end }}

{{- define "plumbline.hubUrl" -}}
{{ default (printf "http://%s-hub:%v" .Release.Name .Values.hub.port) .Values.agent.hub }}
{{- end }}

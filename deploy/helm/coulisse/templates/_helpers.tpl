{{- define "coulisse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "coulisse.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "coulisse.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "coulisse.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "coulisse.selector" -}}
app.kubernetes.io/name: {{ include "coulisse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "coulisse.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "coulisse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "coulisse.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "coulisse.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "coulisse.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What the node answers to: itself, its address, its services, its ingress, and what the values add. */}}
{{- define "coulisse.names" -}}
{{- $name := include "coulisse.fullname" . -}}
{{- $inside := printf "%s.%s" $name .Release.Namespace -}}
{{- $names := list "localhost" "$(POD_IP)" $name $inside (printf "%s.svc" $inside) (printf "%s.svc.cluster.local" $inside) -}}
{{- concat $names .Values.ingress.hosts .Values.gateway.names | uniq | toJson -}}
{{- end -}}

{{/* A variable that a Secret holds, or what stands for it. */}}
{{- define "coulisse.database" -}}
{{- if eq .of.kind "secret" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .of.existingSecret }}
      key: {{ .of.key }}
{{- else -}}
- name: {{ .variable }}
  value: {{ .of.kind | quote }}
{{- end -}}
{{- end -}}

{{/* By the name that every node knows: the kubelet would ask by the pod's address. */}}
{{- define "coulisse.probe" -}}
httpGet:
  path: {{ . }}
  port: http
  httpHeaders:
    - name: Host
      value: localhost
{{- end -}}

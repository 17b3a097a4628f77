{{- define "rasr.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "rasr.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rasr.labels" -}}
{{ include "rasr.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "rasr.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "rasr.secret" -}}
{{ .Values.existingSecret | default (include "rasr.name" .) }}
{{- end }}

{{- define "rasr.hasSecret" -}}
{{- if or .Values.existingSecret .Values.secrets }}true{{ end -}}
{{- end }}

{{- /* Truth of "the folder of models is a volume". */ -}}
{{- define "rasr.ownModels" -}}
{{- if or .Values.models.pull .Values.models.volume }}true{{ end -}}
{{- end }}

{{- /* Truth of "replicas reach one another". */ -}}
{{- define "rasr.addressed" -}}
{{- if and .Values.replicaAddress (eq .Values.store.kind "postgresql") }}true{{ end -}}
{{- end }}

{{- /* What every container has: no rights, and the variables of the settings. */ -}}
{{- define "rasr.container" -}}
image: {{ include "rasr.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
envFrom:
  - configMapRef:
      name: {{ include "rasr.name" . }}
  {{- if include "rasr.hasSecret" . }}
  - secretRef:
      name: {{ include "rasr.secret" . }}
  {{- end }}
{{- if or (include "rasr.addressed" .) .Values.env }}
env:
  {{- if include "rasr.addressed" . }}
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: RASR_REPLICAS__ADDRESS
    value: {{ .Values.replicaAddress | quote }}
  {{- end }}
  {{- with .Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
volumeMounts:
  - name: settings
    mountPath: /etc/rasr
    readOnly: true
  - name: temporary
    mountPath: /tmp
  - name: cache
    mountPath: /var/cache/rasr
  - name: store
    mountPath: /var/lib/rasr
  - name: shared-memory
    mountPath: /dev/shm
  {{- if include "rasr.ownModels" . }}
  - name: models
    mountPath: /models
  {{- end }}
{{- end }}

{{- /* What would start and not work as it is meant is refused here. */ -}}
{{- define "rasr.check" -}}
{{- $many := or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled -}}
{{- if and $many (eq .Values.store.kind "file") -}}
{{- fail "store.kind: several replicas cannot share a file; say postgresql (values-many.yaml)" -}}
{{- end -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" (include "rasr.name" .)) -}}
{{- fail (printf "the release is called %s; a Service may be called by small letters, digits and hyphens, a letter first" .Release.Name) -}}
{{- end -}}
{{- if and .Values.metrics.enabled (eq (int .Values.metrics.port) (int .Values.service.port)) -}}
{{- fail "metrics.port and service.port are the same; say another one" -}}
{{- end -}}
{{- range list "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if hasKey $.Values.podLabels . -}}
{{- fail (printf "podLabels: %s is the chart's, which finds its pods by it" .) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.finishSeconds (eq .Values.store.kind "file") -}}
{{- fail "finishSeconds: with store.kind file there is no other replica to go to; say 0" -}}
{{- end -}}
{{- if and .Values.secrets .Values.existingSecret -}}
{{- fail "secrets and existingSecret: give one of them" -}}
{{- end -}}
{{- if not .Values.existingSecret -}}
{{- if eq .Values.store.kind "postgresql" -}}
{{- range list "RASR_STORE__URL" "RASR_STORE__ENCRYPTION_KEYS" -}}
{{- if not (hasKey $.Values.secrets .) -}}
{{- fail (printf "store.kind: postgresql needs %s in secrets, or existingSecret" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.enabled (not (hasKey .Values.secrets "RASR_METRICS__TOKEN")) -}}
{{- fail "metrics.enabled needs RASR_METRICS__TOKEN in secrets, or existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled" -}}
{{- end -}}
{{- if .Values.autoscaling.enabled -}}
{{- if not (or (and .Values.autoscaling.load .Values.metrics.enabled) .Values.autoscaling.cpu) -}}
{{- fail "autoscaling: give cpu, or load with metrics.enabled" -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail "autoscaling: minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled needs ingress.host" -}}
{{- end -}}
{{- end }}

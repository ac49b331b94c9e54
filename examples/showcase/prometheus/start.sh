#!/bin/bash
# Starts Alertmanager and Prometheus, which listen inside of the task only. When one of them ends, so does the task, and
# ECS starts another: alerts would otherwise be lost in silence.
set -euo pipefail

# configure <folder>: writes both configurations for this environment.
configure() {
  mkdir -p "$1"
  sed "s|DISCOVERY_DOMAIN|$DISCOVERY_DOMAIN|" /etc/prometheus/prometheus.yml >"$1/prometheus.yml"
  if [ -n "${REMOTE_WRITE_URL:-}" ]; then
    printf 'remote_write:\n  - url: %s\n    sigv4: {region: %s}\n' "$REMOTE_WRITE_URL" "$AWS_REGION" >>"$1/prometheus.yml"
  fi
  # AWS_ENDPOINT_URL is the variable of AWS's SDKs for another address of AWS; Alertmanager does not read it.
  local sns=${AWS_ENDPOINT_URL:-https://sns.$AWS_REGION.amazonaws.com}
  sed "s|ALARM_TOPIC|$ALARM_TOPIC|; s|SNS_URL|$sns|; s|AWS_REGION|$AWS_REGION|; s|SLIPWAY_ENVIRONMENT|$SLIPWAY_ENVIRONMENT|" \
    /etc/prometheus/alertmanager.yml >"$1/alertmanager.yml"
}

configure "${CONFIGURATION:=/tmp/configuration}"
[ "${1:-}" != configure ] || exit 0

alertmanager --config.file="$CONFIGURATION/alertmanager.yml" --storage.path=/tmp/alertmanager \
  --web.listen-address=127.0.0.1:9093 --cluster.listen-address= &
# The database is the task's own: what must outlive the task goes to REMOTE_WRITE_URL.
prometheus --config.file="$CONFIGURATION/prometheus.yml" --storage.tsdb.path=/tmp/data \
  --storage.tsdb.retention.time="${RETENTION:-7d}" --storage.tsdb.retention.size=10GB \
  --web.listen-address=127.0.0.1:9090 &
trap 'kill $(jobs -p) 2>/dev/null || :' TERM INT
wait -n && code=$? || code=$?
kill $(jobs -p) 2>/dev/null || :
wait
exit "$code"

#!/usr/bin/env bash
# The stack of development, with the Celery worker: ./docker-dev.sh start | stop | logs [SERVICE]
set -euo pipefail
cd "$(dirname "$0")"

compose() { docker compose --profile with-celery "$@"; }

case "${1:-}" in
  start)
    compose up --detach --build --wait
    echo "Edenco: http://localhost:${PROXY_PORT:-80}/"
    ;;
  stop) compose down ;;
  logs) compose logs --follow "${@:2}" ;;
  *)
    echo "usage: ./docker-dev.sh start | stop | logs [SERVICE]" >&2
    exit 2
    ;;
esac

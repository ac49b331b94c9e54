#!/usr/bin/env bash
# Runs the tests in the stack of compose.test.yml, which it starts: ./testing/run-tests.sh [--suite backend|frontend|e2e]
# With BASE_URL, the end-to-end tests ask that site and no stack is started. Reports: testing/reports/.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  echo "usage: ./testing/run-tests.sh [--suite all|backend|frontend|e2e]${1:+; $1}" >&2
  exit 2
}

suite=all
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=${2:-}; shift 2 || usage "--suite needs a name" ;;
    *) usage "unknown argument: $1" ;;
  esac
done

compose() { docker compose -f docker-compose.yml -f compose.test.yml "$@"; }
started() { compose up --detach --build --wait; }

backend() {
  compose exec -T backend sh -c 'black --check . && isort --check . && flake8'
  compose exec -T -e DJANGO_SETTINGS_MODULE=config.settings.testing -e DEBUG=false backend pytest -n auto --cov
}
frontend() {
  compose exec -T frontend npm run lint
  compose exec -T frontend npm run test:run
}
e2e() {
  mkdir -p testing/reports
  local options=()
  [ -z "${BASE_URL:-}" ] || options=(--no-deps)
  compose build test-runner
  compose run --rm ${options[@]+"${options[@]}"} test-runner
}

case $suite in
  all) started; backend; frontend; e2e ;;
  backend | frontend) started; "$suite" ;;
  e2e)
    [ -n "${BASE_URL:-}" ] || started
    e2e
    ;;
  *) usage "unknown suite: $suite" ;;
esac

# Functions of the builds that run a product's checkout in containers: each script of a build sources this file first.
# A part is one container, $NAME-<part>, with the checkout in /source; $WORK/<part> has its plan and its Dockerfile.
set -euo pipefail

. "$WORK/messages.sh"

# prefetch <image…>: pulls in the background, so that no install waits for the images of later containers. If a pull fails, the
# one where the image is needed tries again, and prints its error.
prefetch() {
  local image
  for image; do
    [ -n "$image" ] || continue
    { docker image inspect "$image" || docker pull --quiet "$image"; } >/dev/null 2>&1 &
  done
}

# base <part> <image> <what failed>: builds $WORK/<part>/Dockerfile. The tag $KEPT keeps its packages on a developer's machine.
base() {
  pull "$2"
  BUILDKIT_PROGRESS=plain docker build --force-rm --tag "$KEPT-$1-dependencies" --file "$WORK/$1/Dockerfile" "$WORK/$1/context" >"$WORK/log" 2>&1 || {
    tail -n 80 "$WORK/log" >&2
    failed "$3" "The log above says why."
  }
}

# system_packages: the lines of a Dockerfile that install SYSTEM_PACKAGES.
system_packages() {
  [ -n "$SYSTEM_PACKAGES" ] || return 0
  printf 'RUN if command -v apk >/dev/null; then apk add --no-cache %s; else apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends %s && rm -rf /var/lib/apt/lists/*; fi\n' \
    "$SYSTEM_PACKAGES" "$SYSTEM_PACKAGES"
}

# begin <part> <image> <options of docker run…>: the container, which waits for commands.
begin() {
  local part=$1 image=$2
  shift 2
  docker run --detach --init --name "$NAME-$part" "$@" --entrypoint sh "$image" -c 'exec tail -f /dev/null' >/dev/null
  docker exec --user 0 "$NAME-$part" sh -c 'mkdir -p /source /reports/junit && chmod -R 777 /reports'
}

# checkout <part>: the whole checkout, since an install may use any file of it: patches, workspaces, scripts.
checkout() {
  tar -cf - --exclude ./.git . | docker exec --interactive "$NAME-$1" tar -xof - -C /source ||
    fail "the checkout cannot be copied into $NAME-$1. Its image needs the program tar."
}

# install <part> <folder> <command>: only this command gets the values of SECRETS.
install() {
  local name options=()
  for name in $SECRETS; do
    [ -n "${!name:-}" ] || fail "$name is empty, and SECRETS names it. In CodeBuild, the manifest's secrets give it its value."
    options+=(--env "$name")  # by its name: the value is in no list of processes
  done
  printf '\n== %s\n' "$3"
  docker exec ${options[@]+"${options[@]}"} --workdir "$2" "$NAME-$1" sh -euc "$3" 2>&1 | keep ||
    failed "'$3' failed in ${2#/source/}." "It says why above. Run it at your desk."
}

# environment_options <variables>: fills the array `environment` with options of docker, from lines or words of K=V.
environment_options() {
  local line
  environment=()
  while read -r line; do
    if [ -n "$line" ]; then environment+=(--env "$line"); fi
  done <<<"$(if [[ $1 = *$'\n'* ]]; then printf %s "$1"; else tr ' ' '\n' <<<"$1"; fi)"
}

# end <part…>: removes the containers, the network, and the images unless they are kept.
end() {
  local part
  for part; do docker rm --force --volumes "$NAME-$part" >/dev/null 2>&1 || :; done
  docker network rm "$NAME" >/dev/null 2>&1 || :
  for part; do docker image rm --force "$NAME-$part" "$NAME-$part-dependencies" >/dev/null 2>&1 || :; done
}

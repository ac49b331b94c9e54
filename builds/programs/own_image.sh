# Containers of the image that the product builds for its tests. Sourced after containers.sh.

# own_part <part> <options of docker run…>: the image of the product's DOCKERFILE, as it is; commands run in its working directory.
own_part() {
  local part=$1 words=() line
  shift
  mkdir -p "$WORK/$part"
  [ -f "$DOCKERFILE" ] || fail "no $DOCKERFILE. Set DOCKERFILE to a path in the repository, and CONTEXT to the folder that it is built in."
  if [ -n "$IMAGE_TARGET" ]; then words+=(--target "$IMAGE_TARGET"); fi
  while read -r line; do
    if [ -n "$line" ]; then words+=(--build-arg "$line"); fi
  done <<<"$(if [[ $BUILD_ARGS = *$'\n'* ]]; then printf %s "$BUILD_ARGS"; else tr ' ' '\n' <<<"$BUILD_ARGS"; fi)"
  BUILDKIT_PROGRESS=plain docker build --force-rm --tag "$KEPT-$part-dependencies" --file "$DOCKERFILE" ${words[@]+"${words[@]}"} "$CONTEXT" >"$WORK/log" 2>&1 || {
    tail -n 80 "$WORK/log" >&2
    failed "$DOCKERFILE cannot be built${IMAGE_TARGET:+ (target $IMAGE_TARGET)}." "At your desk: docker build --file $DOCKERFILE $CONTEXT"
  }
  begin "$part" "$KEPT-$part-dependencies" "$@"
  printf 'WHERE=%q\n' "$(docker exec "$NAME-$part" pwd)" >"$WORK/$part/plan"
  if [ -n "$INSTALL" ]; then install "$part" "$(docker exec "$NAME-$part" pwd)" "$INSTALL"; fi
}

# One command in the state the one before left: variables, options, folder. It may call exit.
codebuild_keep() {
  codebuild_code=$?
  trap - EXIT
  set +o >"${0%/*}/state/options"
  set +eux
  set >"${0%/*}/state/variables"
  export -p >"${0%/*}/state/exports"
  pwd >"${0%/*}/state/folder"
  exit "$codebuild_code"
}
[ -e "${0%/*}/state/variables" ] && . "${0%/*}/state/variables" 2>/dev/null
[ -e "${0%/*}/state/exports" ] && . "${0%/*}/state/exports" 2>/dev/null
[ -e "${0%/*}/state/folder" ] && cd "$(cat "${0%/*}/state/folder")"
export CODEBUILD_BUILD_SUCCEEDING="$(cat "${0%/*}/state/succeeding")"
trap codebuild_keep EXIT
[ -e "${0%/*}/state/options" ] && . "${0%/*}/state/options" 2>/dev/null
. "${0%/*}/command"
codebuild_keep

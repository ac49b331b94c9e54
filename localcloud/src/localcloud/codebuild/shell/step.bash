# Runs one command in the state that the previous command left: variables, functions, options, folder. The command may call exit.
codebuild_save_state() {
  codebuild_code=$?
  trap - EXIT
  set +o >"${0%/*}/state/options"
  shopt -p >>"${0%/*}/state/options"
  set +eux
  declare -p >"${0%/*}/state/variables" 2>/dev/null
  declare -f >"${0%/*}/state/functions" 2>/dev/null
  pwd >"${0%/*}/state/folder"
  exit "$codebuild_code"
}
[ -e "${0%/*}/state/variables" ] && . "${0%/*}/state/variables" 2>/dev/null
[ -e "${0%/*}/state/functions" ] && . "${0%/*}/state/functions" 2>/dev/null
[ -e "${0%/*}/state/folder" ] && cd "$(cat "${0%/*}/state/folder")"
export CODEBUILD_BUILD_SUCCEEDING="$(cat "${0%/*}/state/succeeding")"
trap codebuild_save_state EXIT
[ -e "${0%/*}/state/options" ] && . "${0%/*}/state/options" 2>/dev/null
. "${0%/*}/command"
codebuild_save_state

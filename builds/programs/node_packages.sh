# Containers with the packages of a Node.js project. Sourced after containers.sh.

# node_part <part> <folder> <image> <options of docker run…>
node_part() {
  local part=$1 folder=$2 file NODE SETUP COMMAND FOLDER REUSABLE MANAGER
  mkdir -p "$WORK/$part/context/packages"
  NODE_IMAGE=$3 python3 "$WORK/node_packages.py" "$folder" >"$WORK/$part/plan" || exit 1
  . "$WORK/$part/plan"
  shift 3
  printf '%s in %s, on %s\n' "$MANAGER" "$FOLDER" "$NODE"
  for file in $REUSABLE; do cp "$FOLDER/$file" "$WORK/$part/context/packages/"; done
  {
    printf 'FROM %s AS dependencies\n' "$NODE"
    echo 'ENV CI=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false'
    system_packages
    printf 'RUN %s\nWORKDIR /source/%s\n' "$SETUP" "$FOLDER"
    if [ -n "$REUSABLE" ]; then printf 'COPY packages .\nRUN %s\n' "$COMMAND"; fi
  } >"$WORK/$part/Dockerfile"
  base "$part" "$NODE" "the packages of $folder cannot be installed ($MANAGER, on $NODE)."
  begin "$part" "$KEPT-$part-dependencies" "$@"
  checkout "$part"
  [ -n "$REUSABLE" ] || install "$part" "/source/$FOLDER" "$COMMAND"
}

# node_image <folder> <image>: prints the image of such a part; nothing if the folder is not understood.
node_image() { (. <(NODE_IMAGE=$2 python3 "$WORK/node_packages.py" "$1" 2>/dev/null) && printf %s "${NODE-}") || :; }

# node_command <part> <command>: the command with {run} and {junit} replaced; nothing if its script does not exist.
node_command() {
  local RUN SCRIPTS JUNIT text=$2
  . "$WORK/$1/plan"
  if [[ $text =~ ^\{run\}\ ([^\ ]+) && " $SCRIPTS " != *" ${BASH_REMATCH[1]} "* ]]; then return 0; fi
  text=${text//'{run}'/$RUN}
  printf '%s' "${text//'{junit}'/$JUNIT}"
}

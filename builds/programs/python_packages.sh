# Containers with the packages of a Python project. Sourced after containers.sh.

# python_part <part> <folder> <image> <options of docker run…>: packages are installed into /venv; ALSO is a command of the image.
python_part() {
  local part=$1 folder=$2 file PYTHON SETUP COMMAND FOLDER REUSABLE MANAGER
  mkdir -p "$WORK/$part/context/packages"
  PYTHON_IMAGE=$3 python3 "$WORK/python_packages.py" "$folder" >"$WORK/$part/plan" || exit 1
  . "$WORK/$part/plan"
  shift 3
  printf '%s in %s, on %s\n' "$MANAGER" "$FOLDER" "$PYTHON"
  for file in $REUSABLE; do
    mkdir -p "$WORK/$part/context/packages/$(dirname "$file")"
    cp "$file" "$WORK/$part/context/packages/$file"
  done
  {
    printf 'FROM %s AS dependencies\n' "$PYTHON"
    echo 'ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CI=true PATH=/venv/bin:$PATH:/tools/bin VIRTUAL_ENV=/venv PIP_ROOT_USER_ACTION=ignore'
    echo 'ENV UV_PROJECT_ENVIRONMENT=/venv UV_LINK_MODE=copy UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never PIPENV_VERBOSITY=-1'
    system_packages
    if [ -n "${ALSO:-}" ]; then printf 'RUN %s\n' "$ALSO"; fi
    printf 'RUN python -m venv /venv\nRUN %s\nWORKDIR /source/%s\n' "$SETUP" "$FOLDER"
    if [ -n "$REUSABLE" ]; then printf 'COPY packages /source\nRUN %s\n' "$COMMAND"; fi
  } >"$WORK/$part/Dockerfile"
  base "$part" "$PYTHON" "the packages of $folder cannot be installed ($MANAGER, on $PYTHON)."
  begin "$part" "$KEPT-$part-dependencies" "$@"
  checkout "$part"
  [ -n "$REUSABLE" ] || install "$part" "/source/$FOLDER" "$COMMAND"
  printf 'WHERE=%q\n' "/source/$folder" >>"$WORK/$part/plan"
}

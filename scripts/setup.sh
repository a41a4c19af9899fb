#!/bin/sh
# Makes .venv in the project's folder, or leaves it alone when it already fits the lock.
# usage: scripts/setup.sh [run|dev]     run: what ./demo needs     dev: also what ./test needs
# Works from any folder. Needs Python >= 3.11 and a package index; installs nothing outside the project.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
kind=${1:-run}
cd "$root"
case "$kind" in
  run) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "setup: '$kind' is not a kind of set-up; say run or dev" >&2; exit 2 ;;
esac
torch_version=2.13.0
uv_version=0.13.8
# Packages come from the index. No byte-compiling: it costs more than it saves in a first run.
export PIP_DISABLE_PIP_VERSION_CHECK=1

venv=${ENDCREDITS_VENV:-$root/.venv}
python=
for name in python3.13 python3.12 python3.11 python3 python3.14; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$name; break
  fi
done
if [ -z "$python" ]; then
  echo "setup: no Python >= 3.11 found. Install one (python.org, or 'apt-get install python3') and run this again." >&2
  exit 1
fi

hash_of() { "$python" -c 'import hashlib, sys
h = hashlib.sha256()
for name in sys.argv[1:]: h.update(open(name, "rb").read())
print(h.hexdigest()[:16])' "$@"; }
# A dev environment holds everything a run environment holds, so either stamp satisfies a run.
stamp="$(hash_of "$lock" pyproject.toml scripts/setup.sh)-$kind"
for have in "$venv/.setup-run" "$venv/.setup-dev"; do
  [ -f "$have" ] || continue
  held=$(cat "$have")
  if [ "$held" = "$stamp" ]; then exit 0; fi
  if [ "$kind" = run ] && [ "$held" = "$(hash_of requirements-dev.lock pyproject.toml scripts/setup.sh)-dev" ]; then exit 0; fi
done

say() { echo "setup: $*" >&2; }
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  say "making $venv with $python"
  if ! "$python" -m venv "$venv" 2>/dev/null; then
    rm -rf "$venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      say "this Python lacks venv; installing Debian's python3-venv"
      apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null
      "$python" -m venv "$venv"
    else
      say "this Python lacks venv: run 'apt-get install python3-venv' (or your system's like) and try again"; exit 1
    fi
  fi
fi
# The lock is whole, so nothing else is resolved: what needs torch would otherwise look for it in the index.
say "installing the pinned packages ($lock)"
if "$venv/bin/pip" install -q "uv==$uv_version" 2>/dev/null; then
  "$venv/bin/uv" pip install -q -p "$venv/bin/python" --no-deps --require-hashes -r "$lock"
else
  say "uv is not to be had here; pip does it, more slowly"
  "$venv/bin/pip" install -q --no-deps --require-hashes -r "$lock"
fi

have_torch=$("$venv/bin/python" -c 'from importlib.metadata import version; print(version("torch").split("+")[0])' 2>/dev/null || true)
if [ "$have_torch" != "$torch_version" ]; then
  say "installing torch $torch_version"
  if [ "$(uname -s)" = Darwin ]; then
    "$venv/bin/pip" install -q --no-deps "torch==$torch_version"
  elif command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1; then
    "$venv/bin/pip" install -q "torch==$torch_version"
  elif "$venv/bin/pip" install -q --dry-run --no-deps "torch==$torch_version+cpu" >/dev/null 2>&1; then
    "$venv/bin/pip" install -q --no-deps "torch==$torch_version+cpu"
  else
    "$venv/bin/pip" install -q --no-deps --index-url https://download.pytorch.org/whl/cpu "torch==$torch_version"
  fi
fi
# The build back-end is pinned in the lock like the rest, so nothing is fetched in isolation.
"$venv/bin/pip" install -q --no-deps --no-build-isolation -e .
echo "$stamp" > "$venv/.setup-$kind"
say "ready"

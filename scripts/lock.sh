#!/bin/sh
# Makes the lock files anew from pyproject.toml: uv.lock, requirements.lock (run) and requirements-dev.lock (tests).
# torch is left out of both on purpose (docs/decisions/0002). Run it after changing a dependency, and commit all three.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
uv=${UV:-.venv/bin/uv}
"$uv" lock "$@"
export_lock() {
  "$uv" export -q --no-header --no-emit-project --no-emit-package torch "$@"
}
export_lock --no-dev --group build -o requirements.lock
export_lock --all-groups --all-extras -o requirements-dev.lock
if grep -nE 'nvidia|file:|/home/|/root/|/opt/' uv.lock requirements.lock requirements-dev.lock; then
  echo "lock: a machine path or a CUDA package got into the lock; see docs/decisions/0002" >&2; exit 1
fi

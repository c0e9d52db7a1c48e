#!/usr/bin/env bash
# Usage: internal/step.sh NAME COMMAND [ARGUMENT...]
# Runs a command, and prints when it begins, when it ends, and how long it took.
set -euo pipefail
name=$1
shift
exec 2>&1
echo "== $name"
TIMEFORMAT="== $name: %0R s, with %0U + %0S s of CPU time"
time "$@" || {
	code=$?
	echo "== $name: FAILED"
	exit $code
}

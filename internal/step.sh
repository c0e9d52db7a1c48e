#!/usr/bin/env bash
# Usage: internal/step.sh NAME COMMAND [ARGUMENT...]
# Runs a command, and prints when it begins, when it ends, and how long it took.
set -euo pipefail
name=$1
shift
echo "== $name"
"$@" && code=0 || code=$?
if [ $code = 0 ]; then
	echo "== $name: $SECONDS s"
else
	echo "== $name: FAILED after $SECONDS s"
fi
exit $code

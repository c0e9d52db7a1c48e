#!/usr/bin/env bash
# Usage: internal/busy.sh COMMAND [ARGUMENT...]
# Runs a command beside four endless loops, as on a machine that others use too. A test that fails there and nowhere else asserts the
# machine's speed.
set -euo pipefail
loops=()
trap 'kill "${loops[@]}" 2>/dev/null' EXIT
for _ in 1 2 3 4; do
	(while :; do :; done) &
	loops+=($!)
done
"$@"

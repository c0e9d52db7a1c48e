#!/usr/bin/env bash
# Runs the integration tests and says at the end which suites were skipped, and how to get what they need.
# With CI=true a skipped suite is a failure. Arguments go to go test: internal/integration/test.sh -run Fosite
#
# A test that lacks something calls t.Skip("SUITE SKIPPED: <suite>: <how to get what it needs>").
set -euo pipefail
cd "$(dirname "$0")"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Skips show under -v only. On the way, only the verdicts are printed; the whole log if something failed.
run() {
	go test -race -shuffle=on -count=1 -timeout=30m -v "$@" 2>&1 | tee -a "$log" |
		{ grep --line-buffered -E '^(ok|FAIL|\?|--- (FAIL|PASS)|panic:)' || true; }
}

# One package a time: go test shows verdicts on the way only for a single one. Most tests wait for other programs, so more of them
# run at a time than there are processors. What draws pictures and what measures needs no race detector. The module metrics has a
# target of its own: make test-metrics.
if ! { run . -parallel=4 "$@" && run ./worker/... && go test -shuffle=on -count=1 ./figures ./measured ./screens ./scale ./benchreport ./systems; }; then
	echo "---- the whole log:"
	cat "$log"
	exit 1
fi

skipped=$(sed -n 's/^.*SUITE SKIPPED: /  /p' "$log" | sort -u)
if [ -z "$skipped" ]; then
	echo "integration: every suite ran"
	exit
fi
echo "integration: SKIPPED SUITES, and how to get what they need:"
echo "$skipped"
if [ "${CI:-}" = true ]; then
	echo "integration: with CI=true a skipped suite is a failure"
	exit 1
fi

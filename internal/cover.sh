#!/usr/bin/env bash
# Usage: internal/cover.sh PROFILE PACKAGE:PERCENT...
# Prints the statement coverage of each package, and fails if one has less than its percentage. The root package is "csoauth".
set -euo pipefail
profile=$1
shift
# A profile has a line for each block and test binary: module/folder/file.go:from,to statements count
awk -v thresholds="$*" '
	NR == 1 { next } # the mode
	{
		if (!($1 in statements)) {
			folder = $1
			sub("/[^/]*$", "", folder)
			sub("^github.com/contentstack/", "", folder)
			if (folder != "csoauth") sub("^csoauth/", "", folder)
			folders[$1] = folder
			statements[$1] = $2
			total[folder] += $2
		}
		if ($3 > 0 && !($1 in hit)) {
			hit[$1] = 1
			covered[folders[$1]] += $2
		}
	}
	END {
		n = split(thresholds, list, " ")
		for (i = 1; i <= n; i++) {
			split(list[i], want, ":")
			percent = total[want[1]] ? 100 * covered[want[1]] / total[want[1]] : 0
			verdict = percent >= want[2] ? "ok" : "TOO LOW"
			if (verdict != "ok") low = 1
			printf "%-22s %5.1f %% of statements, at least %d: %s\n", want[1], percent, want[2], verdict
		}
		exit low
	}' "$profile"

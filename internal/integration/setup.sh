#!/usr/bin/env bash
# Installs what the integration tests need and this machine lacks: with apt-get if this is Debian and we are root.
# Otherwise it says what is missing, and the tests skip the suites that need it. With the argument clients it also installs
# what make clients needs: Contentstack's command csdx, 312 MB. With the argument screens it also installs a terminal for make docs.
set -euo pipefail
cd "$(dirname "$0")"

updated=
# need COMMAND PACKAGE... installs the packages if the command is not there.
need() {
	local command=$1
	shift
	if command -v "$command" >/dev/null; then
		return
	fi
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "setup: $command is missing; on Debian: apt-get install $*"
		return
	fi
	if [ -z "$updated" ]; then
		apt-get update -qq
		updated=yes
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# npm_ci DIR makes DIR/node_modules what DIR/package-lock.json says, unless it is already.
npm_ci() {
	local lock=$1/package-lock.json stamp=$1/node_modules/.installed
	if ! command -v npm >/dev/null || cmp -s "$lock" "$stamp"; then
		return
	fi
	if npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund --loglevel=error; then
		cp "$lock" "$stamp"
	else
		rm -rf "$1/node_modules"
		echo "setup: npm ci failed in internal/integration/$1"
	fi
}

need gcc gcc libc6-dev # the race detector links with it
need node nodejs
need npm npm
need curl curl
need openssl openssl
need ip iproute2
need sshd openssh-server openssh-client
need redis-server redis-server
need dbus-daemon dbus
need dbus-send dbus
need gnome-keyring-daemon gnome-keyring
need secret-tool libsecret-tools
if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
	need postgres postgresql
fi
if ! command -v google-chrome >/dev/null; then
	need chromium chromium fonts-dejavu-core
fi

npm_ci oidc-provider
npm_ci contentstack-sdks
npm_ci other-clients
npm_ci axe
if [ "${1:-}" = clients ]; then
	need faketime faketime
	npm_ci csdx
fi
if [ "${1:-}" = screens ]; then
	npm_ci xterm
fi

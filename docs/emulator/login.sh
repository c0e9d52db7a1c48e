#!/usr/bin/env bash
# A login with PKCE, a refresh, and the replay of a used refresh token, at a running `csoauth emulate`: with curl alone, so
# that the same can be written in any language. It prints each step, and no secret.
#
#   docs/emulator/login.sh http://127.0.0.1:8484 APP_UID CLIENT_ID http://localhost:8184
#
# The emulator prints these values when it starts. Needs curl and openssl. A strict one ends the login it made.
set -euo pipefail

if [ $# != 4 ]; then
	echo "usage: $0 BASE_URL APP_UID CLIENT_ID REDIRECT_URI" >&2
	exit 2
fi
base=${1%/} app_uid=$2 client_id=$3 redirect_uri=$4

say() { printf '%s\n' "$*"; }
fail() {
	printf 'login.sh: %s\n' "$*" >&2
	exit 1
}

# base64url is the base64 of PKCE: - and _ for + and /, and no = at the end (RFC 7636, appendix A).
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# urlencode and urldecode are percent-encoding; curl's --data-urlencode does the same for forms.
urlencode() {
	local LC_ALL=C text=$1 i c n
	for ((i = 0; i < ${#text}; i++)); do
		c=${text:i:1}
		case $c in
		[A-Za-z0-9._~-]) printf '%s' "$c" ;;
		*)
			printf -v n '%d' "'$c"
			printf '%%%02X' $((n & 255))
			;;
		esac
	done
}
urldecode() {
	local text=${1//+/ }
	printf '%b' "${text//%/\\x}"
}

# parameter NAME URL prints a parameter of the URL's query.
parameter() {
	local pair
	while read -r pair; do
		if [ "${pair%%=*}" = "$1" ]; then
			urldecode "${pair#*=}"
			return
		fi
	done < <(printf '%s\n' "${2#*\?}" | tr '&' '\n')
}

# member NAME prints a member of the JSON object on standard input, if it is simple text or a number. A program would parse
# the JSON; a shell has no parser.
member() { sed -n 's/.*"'"$1"'" *: *"\{0,1\}\([^",}]*\)"\{0,1\}.*/\1/p'; }

# token NAME=VALUE... posts a form to the token endpoint. It leaves the response in $response and its status in $status. The
# values go through a file, because every user of the machine can read a command's arguments.
token() {
	local pair form=
	for pair in "$@"; do
		form+=${form:+&}${pair%%=*}=$(urlencode "${pair#*=}")
	done
	# No Authorization header and no cookie: the client proves itself in the form.
	response=$(printf '%s' "$form" | curl -sS --data @- -w '\n%{http_code}' "$base/apps-api/apps/token")
	status=${response##*$'\n'}
	response=${response%$'\n'*}
}

# 1. A verifier that only this login knows, its hash for the authorize URL, and a state to recognize the callback by.
verifier=$(openssl rand 32 | base64url)
challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | base64url)
state=$(openssl rand 32 | base64url)
say "1. made a verifier of ${#verifier} characters and its S256 challenge of ${#challenge}"

# 2. The authorize URL. A browser would open it, log in and click Allow; here a POST to the same URL does. The code is in
# the Location of the response. To be another user, send user=UID too; for another organization, organization=UID.
query="response_type=code&client_id=$(urlencode "$client_id")&redirect_uri=$(urlencode "$redirect_uri")"
query+="&state=$state&code_challenge=$challenge&code_challenge_method=S256"
location=$(curl -sS -o /dev/null -w '%{redirect_url}' --data decision=allow "$base/apps/$app_uid/authorize?$query")
[ -n "$location" ] || fail "the authorize URL was refused; the emulator tells why"
case $location in
"$redirect_uri"[?\&/]*) ;;
*) fail "the emulator sent the user elsewhere than to $redirect_uri" ;;
esac
say "2. the user allowed it and was sent back to $redirect_uri"

# 3. The callback: the state must be ours. Otherwise someone else began this login. There must be no error.
error=$(parameter error "$location")
[ -z "$error" ] || fail "the callback says $error"
[ "$(parameter state "$location")" = "$state" ] || fail "the callback has another state"
code=$(parameter code "$location")
[ -n "$code" ] || fail "the callback has no code"
say "3. the callback has our state and a code, for region $(parameter location "$location")"

# 4. The code for tokens. It lives 60 seconds and works once, so this request is never repeated.
token grant_type=authorization_code code="$code" redirect_uri="$redirect_uri" client_id="$client_id" code_verifier="$verifier"
[ "$status" = 200 ] || fail "the exchange was refused with $status: $(member error <<<"$response")"
access=$(member access_token <<<"$response") refresh=$(member refresh_token <<<"$response")
say "4. got tokens of user $(member user_uid <<<"$response") in organization $(member organization_uid <<<"$response"), for $(member expires_in <<<"$response") seconds"

# 5. An API with the access token.
whoami() {
	# curl reads the header from its standard input, for the same reason as above.
	printf 'Authorization: Bearer %s\n' "$1" | curl -sS -o /dev/null -w '%{http_code}' -H @- "$base/v3/user"
}
[ "$(whoami "$access")" = 200 ] || fail "the API refuses the access token"
say "5. the API takes the access token"

# 6. A refresh. The new refresh token replaces the old one, so store it before anything else.
token grant_type=refresh_token refresh_token="$refresh" redirect_uri="$redirect_uri" client_id="$client_id"
[ "$status" = 200 ] || fail "the refresh was refused with $status: $(member error <<<"$response")"
used=$refresh access=$(member access_token <<<"$response") refresh=$(member refresh_token <<<"$response")
[ "$used" != "$refresh" ] || fail "the refresh token did not rotate; is --reuse none set?"
[ "$(whoami "$access")" = 200 ] || fail "the API refuses the new access token"
say "6. refreshed: a new access token, which the API takes, and a new refresh token"

# 7. The used refresh token again, as a thief would, or a program that forgot to store the new one. It is refused, and the
# emulator has a finding. A strict emulator ends the whole login as well.
token grant_type=refresh_token refresh_token="$used" redirect_uri="$redirect_uri" client_id="$client_id"
[ "$status" = 400 ] || fail "the used refresh token got $status, not 400"
say "7. the used refresh token is refused with $status"
case $(whoami "$access") in
401) say "8. and with it the login has ended: the API refuses the access token" ;;
200) say "8. the login goes on: the API takes the access token" ;;
*) fail "the API neither takes nor refuses the access token" ;;
esac

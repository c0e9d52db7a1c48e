#!/usr/bin/env bash
# Usage: internal/size.sh
# Prints how large the smallest program is that uses each package, in MB, as go build makes it. The
# system is linux/amd64, unless GOOS and GOARCH name another.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOOS=${GOOS:-linux} GOARCH=${GOARCH:-amd64} CGO_ENABLED=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# size LABEL IMPORTS STATEMENTS builds a program and prints its size. STATEMENTS use the IMPORTS as a
# real program does: the linker leaves out what no statement can reach.
size() {
	{
		printf 'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n'
		printf '\t"%s"\n' $2
		printf ')\n\nfunc main() {\n\tfmt.Println(http.Get("https://example.com"))\n%s\n}\n' "$3"
	} >"$dir/main.go"
	go build -buildvcs=false -o "$dir/program" "$dir/main.go"
	awk -v bytes="$(wc -c <"$dir/program")" -v label="$1" 'BEGIN { printf "%5.1f  %s\n", bytes / 1e6, label }'
}

csoauth=github.com/contentstack/csoauth
echo "   MB  $GOOS/$GOARCH, not stripped"
size 'fmt and net/http' context 'context.Background()'
size golang.org/x/oauth2 'context golang.org/x/oauth2' '
	config := &oauth2.Config{}
	fmt.Println(config.AuthCodeURL("state"))
	token, err := config.Exchange(context.Background(), "code")
	fmt.Println(err)
	fmt.Println(config.Client(context.Background(), token).Get("https://example.com"))'
size csoauth "context $csoauth" '
	config := &csoauth.Config{}
	request, err := config.NewAuthRequest(nil)
	fmt.Println(config.AuthorizeURL(request), err)
	token, err := config.Exchange(context.Background(), request, nil)
	fmt.Println(err)
	fmt.Println(config.Refresh(context.Background(), token))'
size 'csoauth and loopback' "context $csoauth $csoauth/loopback" '
	fmt.Println(loopback.Login(context.Background(), &csoauth.Config{}, nil))'
size 'csoauth and httplogin' "$csoauth $csoauth/httplogin" '
	login := &httplogin.Handlers{Config: &csoauth.Config{}}
	http.HandleFunc("/login", login.Start)
	http.HandleFunc("/callback", login.Callback)
	fmt.Println(http.ListenAndServe("localhost:8184", nil))'
size 'csoauth and tokens' "context $csoauth $csoauth/tokens" '
	users, err := tokens.New(&csoauth.Config{}, tokens.Dir("tokens"), nil)
	fmt.Println(err)
	ada := users.For("ada")
	fmt.Println(ada.Put(context.Background(), &csoauth.Token{}))
	fmt.Println(ada.Client().Get("https://example.com"))
	fmt.Println(users.Close())'

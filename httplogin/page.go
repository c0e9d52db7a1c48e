package httplogin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
)

// fail logs err, and has it answered.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	if l.Logger != nil {
		level := slog.LevelInfo
		if status(err) >= 500 {
			level = slog.LevelError
		}
		l.Logger.LogAttrs(context.WithoutCancel(r.Context()), level, "httplogin: log-in failed", slog.String("path", r.URL.Path), slog.String("err", err.Error()))
	}
	if l.OnError != nil {
		l.OnError(w, r, err)
		return
	}
	data := pageData{
		Denied: errors.Is(err, csoauth.ErrDenied),
		Lost:   errors.Is(err, ErrNoCookie) || errors.Is(err, csoauth.ErrAttemptExpired) || errors.Is(err, csoauth.ErrState),
		Again:  cmp.Or(l.StartPath, "/"),
	}
	if returnTo, known := r.Context().Value(returnToKey{}).(string); known && l.StartPath != "" {
		data.Again += "?return_to=" + url.QueryEscape(returnTo)
	}
	text, made := l.pages[data]
	if !made {
		text = data.render()
	}
	setHeader(w.Header(), "Content-Security-Policy", pagePolicy, "Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status(err))
	_, _ = io.WriteString(w, text) // a browser that is gone needs no page
}

// status is that of the answer to a request that failed with err.
func status(err error) int {
	switch {
	case errors.Is(err, csoauth.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, csoauth.ErrState), errors.Is(err, csoauth.ErrAttemptExpired), errors.Is(err, ErrNoCookie), errors.Is(err, errReturnTo):
		return http.StatusBadRequest
	case errors.Is(err, errExchange) && errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, errExchange):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// errExchange is for what failed at Contentstack, or on the way there.
var errExchange = errors.New("the code was not exchanged")

// pages are those of whoever comes without an attempt, made once: a flood of forged callbacks gets no others.
type pages map[pageData]string

func newPages(again string) pages {
	all := pages{}
	for _, data := range []pageData{{}, {Denied: true}, {Lost: true}} {
		data.Again = again
		all[data] = data.render()
	}
	return all
}

type pageData struct {
	Denied bool
	Lost   bool
	Again  string
}

func (d pageData) render() string {
	var b strings.Builder
	_ = page.Execute(&b, d) // cannot fail: the template has three fields, and a Builder takes all
	return b.String()
}

const pageCSS = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1rem}a{color:LinkText}`

// The page names no cause: whoever made the browser come here must learn nothing from it.
var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not logged in</title><style>` + pageCSS + `</style></head>
<body>
<h1>You are not logged in</h1>
<p>{{if .Denied}}Access was not allowed.{{else}}The log-in did not work.{{end}} <a href="{{.Again}}">Try again</a></p>
{{if .Lost}}<p>If Contentstack showed you your stacks and did not ask for your consent, you were not logged in there. Now you are: try again.
If your browser blocks cookies, allow them for this site.</p>{{end}}
</body>
</html>
`))

// pagePolicy lets the page use its own style, and nobody frame it.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

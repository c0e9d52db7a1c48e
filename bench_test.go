package csoauth_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// Each benchmark runs us (csoauth), golang.org/x/oauth2 under the same conditions (xoauth2), and
// the standard library doing only what cannot be left out (limit), so that one run on one machine
// compares them:
//
//	go test -bench . -count 10 -run '^$' | benchstat -col /impl -

var sink string

func BenchmarkNewVerifier(b *testing.B) {
	b.Run("impl=csoauth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = string(csoauth.NewVerifier())
		}
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = oauth2.GenerateVerifier()
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		b.ReportAllocs()
		var random [32]byte
		var text [43]byte
		for b.Loop() {
			rand.Read(random[:])
			base64.RawURLEncoding.Encode(text[:], random[:])
		}
	})
}

func BenchmarkChallenge(b *testing.B) {
	v := csoauth.NewVerifier()
	b.Run("impl=csoauth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = v.Challenge(csoauth.S256)
		}
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = oauth2.S256ChallengeFromVerifier(string(v))
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		b.ReportAllocs()
		verifier := []byte(v)
		var text [43]byte
		for b.Loop() {
			sum := sha256.Sum256(verifier)
			base64.RawURLEncoding.Encode(text[:], sum[:])
		}
	})
}

func BenchmarkAuthorizeURL(b *testing.B) {
	c := testConfig()
	c.Scopes = []string{"user:read", "organization:read", "cm.stacks.management:read"}
	r, err := c.NewAuthRequest(nil)
	require.NoError(b, err)
	peer := peerConfig(c, "https://app.example.org")
	b.Run("impl=csoauth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = c.AuthorizeURL(r)
		}
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = peer.AuthCodeURL(r.State, oauth2.S256ChallengeOption(string(r.Verifier)))
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		b.ReportAllocs()
		before, after, _ := strings.Cut(c.AuthorizeURL(r), r.State)
		after = after[:strings.Index(after, "code_challenge=")+len("code_challenge=")]
		var text [43]byte
		for b.Loop() {
			sum := sha256.Sum256([]byte(r.Verifier))
			base64.RawURLEncoding.Encode(text[:], sum[:])
			var url strings.Builder
			url.Grow(512)
			url.WriteString(before)
			url.WriteString(r.State)
			url.WriteString(after)
			url.Write(text[:])
			url.WriteString("&code_challenge_method=S256")
			sink = url.String()
		}
	})
}

// peerConfig is c as x/oauth2 knows it.
func peerConfig(c *csoauth.Config, app string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.ClientID, RedirectURL: c.RedirectURI, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL:   app + "/apps/" + c.AppUID + "/authorize",
			TokenURL:  app + "/apps-api/apps/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// inMemory returns the recorded response to every request, from memory.
func inMemory() *http.Client {
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Client{Timeout: 30 * time.Second, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r.Body.Close()
		return &http.Response{
			StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
			Body: io.NopCloser(strings.NewReader(recorded)), ContentLength: int64(len(recorded)),
		}, nil
	})}
}

// documentedToken is what a client must read at least.
type documentedToken struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Location     string `json:"location"`
	Organization string `json:"organization_uid"`
	User         string `json:"user_uid"`
}

// postForm is the least that a token request takes: a context with a deadline, a trace that tells
// whether the request was sent, a request over the RoundTripper, a body that is read whole, and its
// JSON.
func postForm(b *testing.B, transport http.RoundTripper, app, form string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var asked, connected, sent, noTLS atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:          func(string) { asked.Store(true) },
		GotConn:          func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteHeaders:     func() { sent.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { noTLS.Store(err != nil) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, app+"/apps-api/apps/token", strings.NewReader(form))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var token documentedToken
	if err == nil {
		err = json.Unmarshal(body, &token)
	}
	if err != nil || token.AccessToken == "" {
		b.Fatal(err)
	}
}

// Each request has another code or refresh token, so that the rest of its form is all that can be
// made once.
const (
	exchangeForm = "grant_type=authorization_code&client_id=Ie0FEfTzlfAHL4xM&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback&code="
	refreshForm  = "grant_type=refresh_token&client_id=Ie0FEfTzlfAHL4xM&redirect_uri=https%3A%2F%2Fapp.example.com%2Foauth%2Fcallback&refresh_token="
)

// benchmarkExchange compares whole exchanges with client at app.
func benchmarkExchange(b *testing.B, client *http.Client, app string) {
	c := testConfig()
	endpoint(csoauth.Endpoints{App: app})(c)
	c.HTTPClient = client
	const code = "0123456789abcdef0123456789abcdef"
	b.Run("impl=csoauth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			token, err := c.ExchangeCode(context.Background(), code, rfcVerifier, nil)
			if err != nil {
				b.Fatal(err)
			}
			sink = token.AccessToken
		}
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		peer := peerConfig(c, app)
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
		b.ReportAllocs()
		for b.Loop() {
			token, err := peer.Exchange(ctx, code, oauth2.VerifierOption(string(rfcVerifier)))
			if err != nil {
				b.Fatal(err)
			}
			sink = token.AccessToken
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			postForm(b, client.Transport, app, exchangeForm+url.QueryEscape(code)+"&code_verifier="+url.QueryEscape(string(rfcVerifier)))
		}
	})
}

func BenchmarkExchange(b *testing.B) { benchmarkExchange(b, inMemory(), "https://app.example.org") }

func BenchmarkExchangeLoopback(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, recorded)
	}))
	defer server.Close()
	client := server.Client()
	client.Timeout = 30 * time.Second
	benchmarkExchange(b, client, server.URL)
}

func BenchmarkRefresh(b *testing.B) {
	client := inMemory()
	c := testConfig()
	c.HTTPClient = client
	token := &csoauth.Token{AccessToken: "a", RefreshToken: "fedcba9876543210fedcba9876543210", Expiry: time.Now().Add(-time.Hour)}
	b.Run("impl=csoauth", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			renewed, err := c.Refresh(context.Background(), token)
			if err != nil {
				b.Fatal(err)
			}
			sink = renewed.AccessToken
		}
	})
	b.Run("impl=xoauth2", func(b *testing.B) {
		peer := peerConfig(c, "https://app.example.org")
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
		expired := token.OAuth2()
		b.ReportAllocs()
		for b.Loop() {
			renewed, err := peer.TokenSource(ctx, expired).Token()
			if err != nil {
				b.Fatal(err)
			}
			sink = renewed.AccessToken
		}
	})
	b.Run("impl=limit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			postForm(b, client.Transport, "https://app.example.org", refreshForm+url.QueryEscape(token.RefreshToken))
		}
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/internal/emulator"
)

// authorizeURL returns a new authorize URL, and what the window shows of it.
func authorizeURL(c *csoauth.Config) (address, short string, err error) {
	request, err := c.NewAuthRequest(nil)
	if err != nil {
		return "", "", err
	}
	address = c.AuthorizeURL(request)
	short, _, _ = strings.Cut(address, "&")
	return address, short + "&…", nil
}

func shootEmulator(ctx context.Context, s *studio) error {
	_, stop, err := startEmulator()
	if err != nil {
		return err
	}
	t := s.tour()
	t.open(emulatorURL, "index")
	t.shoot("emulator-index", emulatorURL, wide.upTo(640))
	t.login()
	if t.err == nil {
		t = s.tour()
		t.problems()
	}
	stop()
	if t.err != nil {
		return t.err
	}
	return shootFindings(ctx, s)
}

// login takes the pages of logins: of Ada, and of Alan with a single organization.
func (t *tour) login() {
	path, short, err := authorizeURL(config())
	if err != nil {
		t.err = err
		return
	}
	logIn := emulatorURL + "/login"
	t.open(path, "login")
	t.shoot("emulator-login", logIn+"?return=…", narrow)
	t.click(asAda, "consent")
	t.shoot("emulator-consent", short, narrow)
	t.open(logIn, "login")
	t.click(asAlan, "index")
	t.open(path, "consent")
	t.shoot("emulator-consent-one", short, narrow)
}

// problems takes the pages that say what does not work.
func (t *tour) problems() {
	hashConfig, wrongConfig := config(), config()
	hashConfig.AuthorizeRoute = csoauth.RouteHash
	wrongConfig.RedirectURI = "http://localhost:8184/oauth/callback"
	hash, _, err1 := authorizeURL(hashConfig)
	wrong, short, err2 := authorizeURL(wrongConfig)
	if t.err = errors.Join(t.err, err1, err2); t.err != nil {
		return
	}
	t.open(hash, "login")
	t.shoot("emulator-login-lost", emulatorURL+"/login?lost=1", narrow)
	t.click(asAda, "index")
	t.open(emulatorURL+"/?lost=1", "index")
	t.shoot("emulator-lost", emulatorURL+"/?lost=1", wide.upTo(390))
	t.open(wrong, "error")
	t.shoot("emulator-problem", short, narrow)
	t.open(emulatorURL+"/no/such/page", "error")
	t.shoot("emulator-not-found", emulatorURL+"/no/such/page", narrow)
}

// shootFindings takes the first page after a client that does some things wrong.
func shootFindings(ctx context.Context, s *studio) error {
	_, stop, err := startEmulator()
	if err != nil {
		return err
	}
	defer stop()
	if err := useEmulator(ctx); err != nil {
		return err
	}
	t := s.tour()
	t.open(emulatorURL, "index")
	t.shoot("emulator-findings", emulatorURL, wide)
	return t.err
}

// useEmulator does a login and a call, and then what a careless client does.
func useEmulator(ctx context.Context) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := config()
	c.HTTPClient = &http.Client{Transport: transport}
	request, err := c.NewAuthRequest(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Transport: &emulator.Browser{Emulator: emulatorURL, Transport: transport}}
	back, _, err := emulator.SentBack(ctx, browser, emulatorURL, c.AuthorizeURL(request))
	if err != nil {
		return err
	}
	token, err := c.Exchange(ctx, request, back)
	if err != nil {
		return err
	}
	if _, err := csapi.New(c, csapi.Static(token), nil).User(ctx); err != nil {
		return err
	}
	if _, err := c.Refresh(ctx, token); err != nil {
		return err
	}
	return beCareless(ctx, transport, token)
}

// beCareless sends an authorize request without a state, a refresh token that was used, with the
// old access token, and JSON to the token endpoint.
func beCareless(ctx context.Context, transport http.RoundTripper, used *csoauth.Token) error {
	c := config()
	authorize := url.Values{
		"response_type": {"code"}, "client_id": {c.ClientID}, "redirect_uri": {redirectURI},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ClientID}, "redirect_uri": {redirectURI}, "refresh_token": {used.RefreshToken}}
	const form, tokenPath = "application/x-www-form-urlencoded", "/apps-api/apps/token"
	for _, r := range []struct{ method, path, body, kind, authorization string }{
		{"GET", "/apps/" + c.AppUID + "/authorize?" + authorize.Encode(), "", "", ""},
		{"POST", tokenPath, refresh.Encode(), form, "Bearer " + used.AccessToken},
		{"POST", tokenPath, `{"grant_type": "refresh_token"}`, "application/json", ""},
	} {
		req, err := http.NewRequestWithContext(ctx, r.method, emulatorURL+r.path, strings.NewReader(r.body))
		if err != nil {
			return err
		}
		for name, value := range map[string]string{"Content-Type": r.kind, "Authorization": r.authorization} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		resp.Body.Close()
	}
	return nil
}

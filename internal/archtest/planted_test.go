package archtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/internal/emulator"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/tokens"
)

// holders returns a pointer, and the value behind it, in all the places where a program may keep
// them and where fmt calls Format. It calls no Format in unexported fields, and none behind a
// pointer in another value if the verb does not fit a pointer, as in Printf("%s", []*holder{}).
//
// It uses reflection because vet allows no copy of some values, although Handlers, for example, may
// stand by value in a field.
func holders(pointer any, byValue bool) (all []any) {
	kinds := []reflect.Value{reflect.ValueOf(pointer)}
	if byValue {
		kinds = append(kinds, kinds[0].Elem())
	}
	for _, v := range kinds {
		typ := v.Type()
		slice, array := reflect.MakeSlice(reflect.SliceOf(typ), 1, 1), reflect.New(reflect.ArrayOf(1, typ)).Elem()
		slice.Index(0).Set(v)
		array.Index(0).Set(v)
		dict := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), typ))
		dict.SetMapIndex(reflect.ValueOf("key"), v)
		parts := []reflect.Value{v, slice, array, dict, reflect.ValueOf([]any{v.Interface()})}
		var fields []reflect.StructField
		for i, part := range parts {
			fields = append(fields, reflect.StructField{Name: fmt.Sprint("Field", i), Type: part.Type()})
		}
		fields = append(fields, reflect.StructField{Name: "Any", Type: reflect.TypeFor[any]()})
		holder := reflect.New(reflect.StructOf(fields))
		for i, part := range append(parts, v) {
			holder.Elem().Field(i).Set(part)
			all = append(all, part.Interface())
		}
		all = append(all, holder.Interface(), holder.Elem().Interface(), fmt.Errorf("wrapped: %v", v.Interface()))
	}
	return all
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%U", "%c", "%b", "%o"}

// printed returns v as fmt, log/slog and the encoders of the standard library write it.
func printed(v any) map[string]string {
	texts := map[string]string{"Sprint": fmt.Sprint(v)}
	for _, verb := range verbs {
		texts[verb] = fmt.Sprintf(verb, v)
	}
	var text, lines bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("", "value", v, slog.Group("group", "value", v))
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("", "value", v, slog.Group("group", "value", v))
	texts["slog text"], texts["slog JSON"] = text.String(), lines.String()
	data, err := json.Marshal(v)
	texts["JSON"] = fmt.Sprint(string(data), err)
	data, err = xml.Marshal(v)
	texts["XML"] = fmt.Sprint(string(data), err)
	return texts
}

// A planter makes the secrets of one value and knows in which forms they may come out.
type planter struct {
	t       *testing.T
	secrets []string
}

// secret returns a new secret of 32 letters and digits. It may also be a key or a part of a URL.
func (p *planter) secret() string {
	secret := "canary" + rand.Text()
	p.secrets = append(p.secrets, secret)
	return secret
}

// found returns the names of the texts that have a secret: as it is, or as the encoders and the
// verbs write its bytes.
func (p *planter) found(texts map[string]string) (names []string) {
	for _, secret := range p.secrets {
		forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
		for _, verb := range verbs {
			form := strings.TrimPrefix(fmt.Sprintf(verb, []byte(secret)), "[]byte")
			forms = append(forms, strings.Trim(form, "[]{}"))
		}
		for name, text := range texts {
			if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) }) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (p *planter) url() string { return "https://user:" + p.secret() + "@example.com/callback" }

const redirectURI = "https://example.com/callback"

func (p *planter) keys() [][]byte { return [][]byte{[]byte(p.secret()), []byte(p.secret())} }

func (p *planter) config() *csoauth.Config {
	return &csoauth.Config{AppUID: "app", ClientID: "client", ClientSecret: p.secret(), RedirectURI: redirectURI}
}

func (p *planter) app(uri string) emulator.App {
	return emulator.App{UID: "app", ClientID: "client", ClientSecret: p.secret(), RedirectURIs: []string{uri}, AllowPKCE: true}
}

func (p *planter) token() *csoauth.Token {
	return &csoauth.Token{AccessToken: p.secret(), RefreshToken: p.secret(), StackAPIKey: p.secret()}
}

func heldByToken(t *csoauth.Token) []string {
	return []string{t.AccessToken, t.RefreshToken, t.StackAPIKey}
}

// key is that of every store.
const key = "user"

// sealed returns a sealed store. It opens a value for each of its keys, which is that key.
func sealed(p *planter, inner tokens.Store) (store tokens.Store, held []string) {
	keys := p.keys()
	store, err := tokens.Sealed(inner, keys...)
	require.NoError(p.t, err)
	for i, k := range keys {
		other, err := tokens.Sealed(inner, k)
		require.NoError(p.t, err)
		require.NoError(p.t, other.CompareAndSwap(p.t.Context(), fmt.Sprint(key, i), nil, k))
		value, err := store.Load(p.t.Context(), fmt.Sprint(key, i))
		require.NoError(p.t, err)
		held = append(held, string(value))
	}
	return store, held
}

// manager returns a Manager whose store has a token under key.
func manager(p *planter, c *csoauth.Config) *tokens.Manager {
	m, err := tokens.New(c, new(tokens.Memory), nil)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, m.Close()) })
	require.NoError(p.t, m.Put(p.t.Context(), key, p.token()))
	return m
}

// A database is one that cannot be reached, and whose address has a password.
type database struct{ address string }

func (d database) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("cannot reach " + d.address)
}

func (d database) Driver() driver.Driver { return nil }

// login logs in to an emulator, which then has a code and a pair of tokens. It would refuse the
// client secret if it did not hold the same.
func login(p *planter, base string, app emulator.App) (held []string) {
	config := &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, ClientSecret: app.ClientSecret, RedirectURI: app.RedirectURIs[0],
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: base}},
	}
	request, err := config.NewAuthRequest(nil)
	require.NoError(p.t, err)
	browser := &http.Client{Transport: &emulator.Browser{Emulator: base}}
	callback, _, err := emulator.SentBack(p.t.Context(), browser, base, config.AuthorizeURL(request))
	require.NoError(p.t, err)
	token, err := config.Exchange(p.t.Context(), request, callback)
	require.NoError(p.t, err)
	issued := []string{request.State, callback.Get("code"), token.AccessToken, token.RefreshToken}
	p.secrets = append(p.secrets, issued...)
	return append(issued, app.ClientSecret)
}

// loginUnderWay returns Handlers that wait for the token endpoint, so they also hold a state.
func loginUnderWay(p *planter) (any, []string) {
	sent, end := make(chan string), make(chan struct{})
	config := p.config()
	config.AuthorizeRoute = csoauth.RoutePath
	config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		form, err := io.ReadAll(r.Body)
		select {
		case sent <- string(form):
		case <-end: // the request is sent again
		}
		<-end
		return nil, errors.Join(err, errors.New("the test is over"))
	})}
	h := &httplogin.Handlers{
		Config: config, Keys: p.keys(), AuthOptions: &csoauth.AuthOptions{},
		OnToken: func(http.ResponseWriter, *http.Request, *csoauth.Token) error { return nil },
	}
	w := httptest.NewRecorder()
	h.Start(w, httptest.NewRequest(http.MethodGet, "/login", http.NoBody))
	address, err := url.Parse(w.Header().Get("Location"))
	require.NoError(p.t, err)
	state := address.Query().Get("state")
	require.NotEmpty(p.t, state)
	callback := httptest.NewRequest(http.MethodGet, "/callback?"+url.Values{"state": {state}, "code": {p.secret()}}.Encode(), http.NoBody)
	for _, cookie := range w.Result().Cookies() {
		callback.AddCookie(cookie)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Callback(httptest.NewRecorder(), callback)
	}()
	p.t.Cleanup(func() { close(end); <-done })
	p.secrets = append(p.secrets, state)
	select {
	case form := <-sent:
		return h, []string{form, state, string(h.Keys[0]), string(h.Keys[1])}
	case <-done:
		require.Fail(p.t, "the callback failed before its code was sent")
		return nil, nil
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

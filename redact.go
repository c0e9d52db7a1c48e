package csoauth

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// redacted stands wherever a secret would have been printed.
const redacted = "REDACTED"

// The types that hold secrets print themselves field by field with each secret masked: by Format
// under every verb of fmt, by LogValue in slog. Both have value receivers, so that they serve a
// value, a pointer, and either of them in an exported field, a slice or a map.
//
// fmt does not ask them in two cases. One is an unexported field: a Token there prints its secrets,
// and so does a *Token under a verb that does not fit a pointer, such as %s. The other is a value
// that is given to %w or %p by mistake. go vet reports these verbs.

// Format prints REDACTED under every verb.
func (v Verifier) Format(f fmt.State, _ rune) { fmt.Fprint(f, mask(string(v))) }

// String returns REDACTED. It is for panic, which does not call Format.
func (v Verifier) String() string { return mask(string(v)) }

// LogValue logs REDACTED.
func (v Verifier) LogValue() slog.Value { return slog.StringValue(mask(string(v))) }

// Format prints the Config under every verb, its client secret masked.
func (c Config) Format(f fmt.State, _ rune) { formatAttrs(f, "csoauth.Config", c.attrs()) }

// LogValue logs the Config, its client secret masked.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

func (c Config) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("AppUID", c.AppUID),
		slog.String("ClientID", c.ClientID),
		slog.String("RedirectURI", withoutPassword(c.RedirectURI)),
		slog.String("ClientSecret", mask(c.ClientSecret)),
		slog.String("Scopes", strings.Join(c.Scopes, " ")),
		slog.String("Region", c.Region.String()),
		slog.String("ChallengeMethod", string(c.ChallengeMethod.orDefault())),
		slog.String("AuthorizeRoute", c.AuthorizeRoute.String()),
		slog.Bool("IgnoreCallbackRegion", c.IgnoreCallbackRegion),
		slog.String("UserAgent", c.UserAgent),
	}
}

// MarshalText always fails, because a Config may hold a client secret. This keeps encoding/json and
// other encoders from writing the secret.
func (c Config) MarshalText() ([]byte, error) {
	return nil, errors.New("csoauth: a Config may hold a client secret and does not marshal: write the fields you need")
}

// Format prints the AuthRequest under every verb, its state and verifier masked.
func (r AuthRequest) Format(f fmt.State, _ rune) { formatAttrs(f, "csoauth.AuthRequest", r.attrs()) }

// LogValue logs the AuthRequest, its state and verifier masked.
func (r AuthRequest) LogValue() slog.Value { return slog.GroupValue(r.attrs()...) }

func (r AuthRequest) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("ClientID", r.ClientID),
		slog.String("State", mask(r.State)),
		slog.String("RedirectURI", withoutPassword(r.RedirectURI)),
		slog.String("Verifier", mask(string(r.Verifier))),
		slog.String("ChallengeMethod", string(r.ChallengeMethod.orDefault())),
		slog.String("Scopes", strings.Join(r.Scopes, " ")),
		slog.String("OrganizationUID", r.OrganizationUID),
		slog.Time("Expires", r.Expires),
	}
}

// MarshalJSON always fails, because an AuthRequest holds a state and a verifier. To store one, use
// [AuthRequest.MarshalBinary].
func (r AuthRequest) MarshalJSON() ([]byte, error) { return r.MarshalText() }

// MarshalText always fails, as [AuthRequest.MarshalJSON] does. It is for YAML, XML and other
// encoders.
func (r AuthRequest) MarshalText() ([]byte, error) {
	return nil, errors.New("csoauth: an AuthRequest holds secrets and does not marshal as text: store MarshalBinary's bytes, sealed")
}

// Format prints the Token under every verb, its secrets masked. fmt does not call it for an
// unexported field of another struct. Give that struct its own Format method, or keep the Token in
// an exported field.
func (t Token) Format(f fmt.State, _ rune) { formatAttrs(f, "csoauth.Token", t.attrs()) }

// LogValue logs the Token, its secrets masked.
func (t Token) LogValue() slog.Value { return slog.GroupValue(t.attrs()...) }

func (t Token) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("AccessToken", mask(t.AccessToken)),
		slog.String("RefreshToken", mask(t.RefreshToken)),
		slog.String("TokenType", t.TokenType),
		slog.Time("Expiry", t.Expiry),
		slog.String("Scopes", strings.Join(t.Scopes, " ")),
		slog.String("OrganizationUID", t.OrganizationUID),
		slog.String("UserUID", t.UserUID),
		slog.String("AuthorizationType", t.AuthorizationType),
		slog.String("StackAPIKey", mask(t.StackAPIKey)),
		slog.String("Location", t.Location),
		slog.String("ClientID", t.ClientID),
		slog.String("RedirectURI", withoutPassword(t.RedirectURI)),
	}
}

// MarshalJSON always fails, because a Token holds secrets. To store one, use [Token.MarshalBinary].
func (t Token) MarshalJSON() ([]byte, error) { return t.MarshalText() }

// MarshalText always fails, as [Token.MarshalJSON] does. It is for YAML, XML and other encoders.
func (t Token) MarshalText() ([]byte, error) {
	return nil, errors.New("csoauth: a Token holds secrets and does not marshal as text: let package tokens keep it, or store MarshalBinary's bytes, sealed")
}

func formatAttrs(f fmt.State, name string, attrs []slog.Attr) {
	fmt.Fprint(f, name, "{")
	for i, a := range attrs {
		if i > 0 {
			fmt.Fprint(f, " ")
		}
		value := a.Value.String()
		if a.Value.Kind() == slog.KindTime {
			value = a.Value.Time().Format(time.RFC3339)
		}
		fmt.Fprint(f, a.Key, ":", strconv.Quote(value))
	}
	fmt.Fprint(f, "}")
}

// mask keeps whether a secret is there, and nothing else.
func mask(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

// withoutPassword hides all of a URI that may hold a password.
func withoutPassword(uri string) string {
	if strings.Contains(uri, "@") {
		return redacted
	}
	return uri
}

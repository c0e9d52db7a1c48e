package integration_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// A refusal is what a server is expected to say. status 0 stands for a callback.
type refusal struct {
	op     string
	status int
	code   string
}

// assertRefused checks all that is true of every refusal: csoauth has understood the server,
// callers who know x/oauth2 understand csoauth, and no secret has got into the error.
func (f *front) assertRefused(t *testing.T, err error, want refusal) {
	t.Helper()
	var e *csoauth.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, want, refusal{e.Op, e.StatusCode, e.Code}, "%v", err)
	assert.NotEmpty(t, e.Description, "both servers say more than a code")
	assert.Nil(t, e.Token, "a refusal holds no token")
	f.assertRetrieveError(t, err, e)
	f.assertNoSecret(t, err)
}

// assertRetrieveError checks that errors.As finds x/oauth2's error in one of the token endpoint,
// and in no other.
func (f *front) assertRetrieveError(t *testing.T, err error, e *csoauth.Error) {
	t.Helper()
	var retrieve *oauth2.RetrieveError
	if e.StatusCode == 0 {
		assert.NotErrorAs(t, err, &retrieve)
		return
	}
	require.ErrorAs(t, err, &retrieve)
	assert.Equal(t, e.Code, retrieve.ErrorCode)
	assert.Equal(t, e.Description, retrieve.ErrorDescription)
	assert.Equal(t, e.StatusCode, retrieve.Response.StatusCode)
	assert.Contains(t, retrieve.Response.Header.Get("Content-Type"), "application/json")
	assert.Empty(t, retrieve.Body)
	assert.Zero(t, f.secretsIn(fmt.Sprintf("%v %+v %#v %v", retrieve, *retrieve, *retrieve, *retrieve.Response)))
}

// assertNoSecret searches all that can be printed of an error for the secrets that went through the
// front.
func (f *front) assertNoSecret(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
		fmt.Fprintf(&printed, verb+"\n", err)
	}
	slog.New(slog.NewTextHandler(&printed, nil)).Error("refused", "err", err)
	slog.New(slog.NewJSONHandler(&printed, nil)).Error("refused", "err", err)
	assert.Zero(t, f.secretsIn(printed.String()), "secrets in the error %v", err)
}

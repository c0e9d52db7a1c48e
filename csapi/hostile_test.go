package csapi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csapi"
)

// TestErrorsAreBounded, whatever a server sends: without bounds, each of these takes minutes.
func TestErrorsAreBounded(t *testing.T) {
	var alike, blank strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&alike, `"%s%d":"x",`, strings.Repeat("n", 64), i)
	}
	for i := range 8000 {
		fmt.Fprintf(&blank, `"%s":"%s",`, strings.NewReplacer("0", `\u0001`, "1", `\u0002`).Replace(fmt.Sprintf("%b", i)), strings.Repeat("y", 20))
	}
	for name, body := range map[string]string{
		"names that look alike": `{"errors":{` + alike.String() + `"z":"z"}}`,
		"names without a text":  `{"errors":{` + blank.String() + `"z":"z"}}`,
		"nested":                `{"errors":` + strings.Repeat(`[{"code":`, 4000) + `"` + strings.Repeat("x", 900_000) + `"` + strings.Repeat(`}]`, 4000) + `}`,
		"large":                 `{"error_message":"` + strings.Repeat("x", 8<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := clientOf(&service{answer: says(422, inJSON, body)}).Get(t.Context(), csapi.ContentManagement, "/x", nil)
			e, ok := errors.AsType[*csapi.Error](err)
			require.True(t, ok)
			require.LessOrEqual(t, len(e.Message), 512)
			for _, texts := range e.Fields {
				require.LessOrEqual(t, len(texts), 5)
			}
		})
	}
}

type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

// TestFailuresRepeatNoToken: net/http shows lines that it could not read, and encoding/json the
// texts that do not fit.
func TestFailuresRepeatNoToken(t *testing.T) {
	const secret = "the-access-token-1"
	failed := fmt.Errorf("malformed MIME header: %q: %w", "Authorization Bearer "+secret, io.ErrUnexpectedEOF)
	c := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: broken{failed}})
	err := c.Get(t.Context(), csapi.ContentManagement, "/x", nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, err.Error(), secret)
	_, err = c.HTTPClient().Get("https://api.contentstack.io/x")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, err.Error(), secret)
	for _, err := range clientOf(&service{answer: says(200, inJSON, `{"stacks":"`+secret+`"}`)}).Stacks(t.Context()) {
		require.ErrorContains(t, err, "the response")
		require.NotContains(t, err.Error(), secret)
	}
}

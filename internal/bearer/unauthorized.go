package bearer

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// A Rejection is what a 401 says about the access token of its request.
type Rejection int

const (
	// NotTheToken: the 401 is about something else. Contentstack sends it with error code 294 if it
	// wants a second factor, and with 161 for the environment or a permission.
	NotTheToken Rejection = iota
	// Unclear: nothing says what the 401 is about. Another token may help, or not.
	Unclear
	// TheToken: the 401 says that the access token is invalid.
	TheToken
)

// maxPeek is how much of a 401 is read to see what it is about.
const maxPeek = 64 << 10

// Judge reads what a response with status 401 says. Its body can still be read from the beginning.
func Judge(resp *http.Response) Rejection {
	if resp.Body == nil {
		resp.Body = http.NoBody // a RoundTripper of a test may leave it out
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxPeek))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = brokenReader{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	var said struct {
		ErrorCode    json.RawMessage `json:"error_code"`
		ErrorMessage json.RawMessage `json:"error_message"`
		Message      json.RawMessage `json:"message"`
		Error        json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(head, &said) // a body that is not JSON says nothing
	texts := []string{strings.Join(resp.Header.Values("WWW-Authenticate"), " "), string(said.ErrorMessage), string(said.Message), string(said.Error)}
	switch code := strings.Trim(string(said.ErrorCode), `"`); {
	case code == "161" || code == "294":
		return NotTheToken
	case code == "105":
		return TheToken
	}
	for _, text := range texts {
		if namesTheToken(strings.ToLower(text)) {
			return TheToken
		}
	}
	return Unclear
}

// namesTheToken reports whether text, in lower case, says that an access token does not work: by
// RFC 6750's code, or in words such as Contentstack's "The provided access token is invalid or
// expired or revoked".
func namesTheToken(text string) bool {
	if strings.Contains(text, "invalid_token") {
		return true
	}
	if !strings.Contains(text, "access token") && !strings.Contains(text, "access_token") {
		return false
	}
	for _, word := range []string{"invalid", "expired", "revoked", "not valid"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// Drain reads what is left of a small response and closes it, so that its connection can be used
// again.
func Drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxPeek)
	resp.Body.Close()
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

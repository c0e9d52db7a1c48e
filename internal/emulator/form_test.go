package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// FuzzForm plants a mark as a value in every form, so that an error that repeats values is seen.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		"", "&", "=", "a", "a=", "=a", "a=b&c=d", "a=1&a=2", "a&a", "A=1&a=2", "a=b;c=d", "%61=1&a=2",
		"a=%zz", "a=%", "a+b=c+d", "a=%00", "a=é", "a=%ff", "\xff=\xff", strings.Repeat("a", 41) + "=1",
		redemption("0123456789abcdef0123456789abcdef").Encode(), authorization().Encode(), "mark=1",
		strings.Repeat("&", 100), strings.Repeat("%61", 100) + "=" + strings.Repeat("%62", 100),
	} {
		f.Add(body)
	}
	const mark = "m4rk-of-a-secret"
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, mark) {
			return // the fuzzer wrote the mark itself
		}
		if values, err := emulator.ParseForm(formRequest(t, body)); err == nil {
			for name, all := range values {
				require.Len(t, all, 1, "%q", name)
			}
			again, err := emulator.ParseForm(formRequest(t, values.Encode()))
			if len(values.Encode()) <= emulator.MaxForm { // escapes can make it longer than it was
				require.NoError(t, err)
				require.Equal(t, values, again)
			}
		}
		for _, marked := range []string{body + "&mark=" + mark, "mark=" + mark + "&mark=" + mark + "&" + body} {
			if _, err := emulator.ParseForm(formRequest(t, marked)); err != nil {
				require.NotContains(t, err.Error(), mark)
			}
		}
	})
}

func formRequest(t *testing.T, body string) *http.Request {
	r := (&site{t: t}).request(http.MethodPost, "http://localhost/token", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

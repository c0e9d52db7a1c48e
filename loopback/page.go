package loopback

import (
	"errors"
	"net/http"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
)

// page says how the login went. It names no cause that Contentstack gave: that is for the terminal.
func (l *login) page() (landing.Page, int) {
	p := landing.Page{Name: "login-failed", Title: "The login did not work"}
	next := "You can close this page."
	switch {
	case l.err == nil:
		p.Name, p.Good, p.Title = "logged-in", true, "You are logged in"
		p.Text = []string{l.o.Program + " can now use Contentstack for you.", "Go back to it. " + next}
		return p, http.StatusOK
	case errors.Is(l.err, csoauth.ErrDenied):
		p.Name, p.Title = "denied", "Access was not allowed"
		p.Text = []string{l.o.Program + " was not given access to Contentstack. If that was a mistake, start the login there again.", next}
		return p, http.StatusForbidden
	case errors.Is(l.err, csoauth.ErrAttemptExpired), errors.Is(l.err, ErrTimeout):
		p.Name, p.Title = "expired", "That took too long"
		p.Text = []string{"Start the login again in " + l.o.Program + ".", next}
		return p, http.StatusBadRequest
	}
	p.Text = []string{l.o.Program + " says why. Start the login again there.", next}
	return p, http.StatusBadGateway
}

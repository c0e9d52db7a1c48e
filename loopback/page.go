package loopback

import (
	"errors"
	"net/http"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
)

const closeIt = "You can close this page."

// page says how the login went. It does not repeat what Contentstack said, which is for the
// terminal.
func (l *login) page() (landing.Page, int) {
	p := landing.Page{Name: "login-failed", Title: "The login did not work"}
	switch {
	case l.err == nil:
		p.Name, p.Good, p.Title = "logged-in", true, "You are logged in"
		p.Text = []string{l.o.Program + " can now use Contentstack for you.", "Go back to it. " + closeIt}
		return p, http.StatusOK
	case errors.Is(l.err, csoauth.ErrDenied):
		p.Name, p.Title = "denied", "Access was denied"
		p.Text = []string{l.o.Program + " did not get access to Contentstack. If that was a mistake, start the login there again.", closeIt}
		return p, http.StatusForbidden
	case errors.Is(l.err, csoauth.ErrAttemptExpired), errors.Is(l.err, ErrTimeout):
		p.Name, p.Title = "expired", "The login took too long"
		p.Text = []string{"Start the login again in " + l.o.Program + ".", closeIt}
		return p, http.StatusBadRequest
	}
	p.Text = []string{l.o.Program + " says why. Start the login again there.", closeIt}
	return p, http.StatusBadGateway
}

// otherPage is for a visit that is not of this login. It repeats nothing of the address, which
// another web page may have made.
func (l *login) otherPage() landing.Page {
	next := "The login in the other tab goes on. "
	if l.isDecided() {
		next = "That login is over. Go back to " + l.o.Program + ". "
	}
	return landing.Page{Name: "not-this-login", Title: "This page is not for this login", Text: []string{
		"The address of this page does not belong to the login that " + l.o.Program + " started, so it was not used. " +
			"It may be from an earlier login.",
		next + closeIt,
	}}
}

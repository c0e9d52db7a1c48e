package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// serveConsent shows the consent form to a user who is logged in, unless they have allowed as much
// before.
func (e *Emulator) serveConsent(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r)
	entry.see(r.URL.Query())
	if r.Method == http.MethodHead { // of a program that shows a preview of the link, or checks it
		entry.end(http.StatusOK, "only looked at: a browser opens it with GET")
		return
	}
	opened := e.opened(r)
	if location, _ := e.answered(opened); location != "" {
		entry.end(http.StatusFound, "the authorize URL was opened twice; sent back as before")
		redirectBack(w, r, location)
		return
	}
	a, err := e.readAuthorize(r, entry)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	session, err := e.session(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	if session == nil {
		entry.end(http.StatusFound, "sent to log in first")
		http.Redirect(w, r, loginURL(r.URL.RequestURI()), http.StatusFound)
		return
	}
	user := *session
	entry.about(a.app, user)
	if org, ok := e.consented(a, user); ok && r.Header.Get(askHeader) == "" {
		a.consent = opened
		e.sendBack(w, r, entry, a, e.allow(a, user, org), user.Name()+" allowed it before for "+org.Name+"; a code was issued")
		return
	}
	entry.end(http.StatusOK, "asked for consent to "+strings.Join(a.scopes, " "))
	w.Header().Set(pageHeader, consentPageName)
	writePage(w, http.StatusOK, consentPage(consentData{
		App: a.app, User: user, Scopes: inWords(a.scopes), RedirectURI: a.redirectURI,
		Return: r.URL.RequestURI(), Consent: newSecret(), PKCEOff: a.challenge != "" && !a.app.AllowPKCE,
	}))
}

// opened returns what stands for the number of a consent form when none is shown: the user and the
// authorize URL. It is empty without a session, and for a program that wants a form.
func (e *Emulator) opened(r *http.Request) string {
	session, _ := e.session(r)
	if session == nil || r.Header.Get(askHeader) != "" {
		return ""
	}
	return session.UID + " " + r.URL.RequestURI()
}

// serveDecision takes the consent form: decision is allow or deny; user and organization are the
// chosen ones' uids. Without a user it is the one who is logged in, or else the first; without an
// organization the user's first. consent is the form's own number, so that a form that is sent
// twice counts once; a program that was shown no form leaves it out.
func (e *Emulator) serveDecision(w http.ResponseWriter, r *http.Request) {
	entry := e.log.begin(r)
	entry.see(r.URL.Query())
	form, err := parseForm(r)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	entry.see(form)
	switch location, answered := e.answered(form.Get("consent")); {
	case location != "":
		entry.end(http.StatusFound, "the form was sent twice; sent back as before")
		redirectBack(w, r, location)
		return
	case answered:
		entry.end(http.StatusConflict, "refused: the form was answered before")
		writePage(w, http.StatusConflict, errorPage("You have already used this form", "Go back to the app. To log in again, start there."))
		return
	}
	a, err := e.readAuthorize(r, entry)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	a.consent = form.Get("consent")
	user, org, err := e.decider(r, form)
	if err != nil {
		refuseAuthorize(w, entry, err)
		return
	}
	entry.about(a.app, user)
	switch form.Get("decision") {
	case "allow":
		e.sendBack(w, r, entry, a, e.allow(a, user, org), user.Name()+" allowed it for "+org.Name+"; a code was issued")
	case "deny":
		denial := url.Values{"error": {"access_denied"}, "error_description": {"The user denied the request"}}
		e.sendBack(w, r, entry, a, denial, user.Name()+" denied it")
	default:
		refuseAuthorize(w, entry, fmt.Errorf("decision is %.40q, want \"allow\" or \"deny\"", form.Get("decision")))
	}
}

// decider returns who answered the consent form, and for which organization.
func (e *Emulator) decider(r *http.Request, form url.Values) (User, Organization, error) {
	user, ok := e.findUser(form.Get("user"))
	if session, _ := e.session(r); form.Get("user") == "" && session != nil {
		user = *session
	}
	if ok {
		if org, member := user.organization(form.Get("organization")); member {
			return user, org, nil
		}
	}
	return User{}, Organization{}, fmt.Errorf("there is no such user, or the user is not in that organization")
}

// consented tells whether a user has allowed an app these scopes before, and for which
// organization.
func (e *Emulator) consented(a authorizeRequest, user User) (Organization, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.grants.latest[appUser{a.app.UID, user.UID}]
	if before == nil {
		return Organization{}, false
	}
	for _, scope := range a.scopes {
		if !slices.Contains(before.scopes, scope) {
			return Organization{}, false
		}
	}
	return before.org, true
}

// allow issues a code, and returns it as the parameters of the callback.
func (e *Emulator) allow(a authorizeRequest, user User, org Organization) url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	back := url.Values{"code": {e.grants.issueCode(a, user, org)}}
	e.o.Unknowns.tellRegion(e.o.Location, back.Set)
	return back
}

// sendBack sends the user back to the app.
func (e *Emulator) sendBack(w http.ResponseWriter, r *http.Request, entry *entry, a authorizeRequest, back url.Values, decision string) {
	if a.hasState && !(back.Has("error") && e.o.Unknowns.DenialWithoutState) {
		back.Set("state", a.state)
	}
	location := withQuery(a.redirectURI, back)
	e.use(a, location, back.Get("code"))
	entry.answer(back)
	entry.end(http.StatusFound, decision)
	redirectBack(w, r, location)
}

func redirectBack(w http.ResponseWriter, r *http.Request, location string) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, location, http.StatusFound)
}

// use records that a login brought its state and challenge, and how its consent form was answered.
func (e *Emulator) use(a authorizeRequest, location, code string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.state != "" {
		e.grants.states.wasUsed(a.app.UID, a.state)
	}
	if a.challenge != "" {
		e.grants.challenges.wasUsed(a.app.UID, a.challenge)
	}
	if a.consent != "" {
		e.forms.add(a.consent, sentBack{location, code})
	}
}

// A sentBack is how a consent form was answered.
type sentBack struct {
	location string // with the parameters of the callback
	code     string // empty: the user denied
}

// maxForms is how many answered forms are remembered; the oldest go.
const maxForms = 1000

// answeredForms are the latest consent forms that were answered, by their numbers. The zero
// answeredForms are ready to use.
type answeredForms struct {
	answers map[string]sentBack
	order   []string
}

func (f *answeredForms) add(number string, how sentBack) {
	if f.answers == nil {
		f.answers = map[string]sentBack{}
	}
	f.answers[number] = how
	if f.order = append(f.order, number); len(f.order) > maxForms {
		delete(f.answers, f.order[0])
		f.order = slices.Clone(f.order[1:])
	}
}

// answered reports whether the consent form of that number was answered before. A second click on
// its button leads where the first did: location is that place. It is empty once the app has
// redeemed the code, or the code has expired.
func (e *Emulator) answered(number string) (location string, answered bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how, answered := e.forms.answers[number]
	if c := e.grants.codes[how.code]; c != nil && (c.spent || c.dead || !e.o.Now().Before(c.expires)) {
		return "", answered
	}
	return how.location, answered
}

// withQuery adds parameters to a redirect URI, which may have a query of its own.
func withQuery(uri string, q url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + q.Encode()
}

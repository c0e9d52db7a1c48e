package tokens_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// An invariant is what must hold in every run.
type invariant string

const (
	sentAgain    invariant = "a refresh token that was, or may have been, processed is not sent again while its access token is valid"
	refusedAgain invariant = "a refused refresh token is not sent again for 15 minutes, by any process"
	sentTwice    invariant = "a refresh token is not sent while another request with it is under way"
	unleased     invariant = "a refresh token is sent under the sender's own lease"
	tookEarly    invariant = "nobody takes over a lease that is not over"
	comesBack    invariant = "a login that was deleted or replaced does not come back"
	dropped      invariant = "no login is lost while its holder runs and the store works"
	lost         invariant = "no login is lost while its holder runs and the store takes writes for two seconds"
	logsOut      invariant = "no ErrLoginRequired while the server holds the login live and its pair is stored"
	deadAlive    invariant = "a request whose access token was rejected and whose refresh token was refused fails with ErrLoginRequired"
	showsUnsaved invariant = "nobody gets a pair that is not stored, while the store works"
	older        invariant = "an older pair never replaces a newer one"
	dropsLease   invariant = "a Put of the refresh token that the record has keeps the lease on it"
	seqFalls     invariant = "seq never falls within a login"
	foreign      invariant = "nobody gets another user's token"
	handsOver    invariant = "nobody gets a token that has ended"
	tooEarly     invariant = "a token is not refreshed in two thirds of its life, unless an API rejects it"
	tooSoon      invariant = "a process waits for a second after a refresh that failed"
	elsewhere    invariant = "a refresh token goes to the region that issued it"
	untrue       invariant = "what Put and Delete report has happened in the store"
	notRepaired  invariant = "a request whose access token was rejected is sent again with another"
	leaks        invariant = "a bearer goes to known hosts only"
	waits        invariant = "nobody waits who has a valid token, but in the hard window and, up to two seconds, for an overdue look"
	starves      invariant = "a caller waits for its own region and the store alone"
	hangs        invariant = "every call ends"
	stale        invariant = "no token of a replaced or deleted login is handed out after twice Recheck and two seconds"
	grows        invariant = "memory holds its limit and what is active"
	notRecovered invariant = "all is well again one backoff after all failures have ended"
)

// A violation is a moment at which an invariant did not hold.
type violation struct {
	invariant
	at   time.Duration
	by   string
	key  string
	what string
}

func (v violation) String() string {
	return fmt.Sprintf("after %v, %s, %s: violates %q: %s", v.at, v.by, v.key, string(v.invariant), v.what)
}

func (s *sim) violate(i invariant, p *simProcess, key, format string, args ...any) {
	v := violation{i, s.now(), p.name, key, fmt.Sprintf(format, args...)}
	s.trace.add(v.at, "VIOLATION %v", v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, v)
}

// Bounds of the invariants, beside those of the design.
const (
	simBackoff      = 6 * time.Minute                  // the longest backoff, 5 minutes, and a try
	simPatience     = 5 * time.Second                  // a look, and a refresh, when all is well
	simLookPatience = 2*time.Second + time.Millisecond // for an overdue look
	simBelieved     = 21 * time.Minute                 // a refusal, which may be a mistake, for 15 minutes; 4 between two clocks; and a try
	simEnd          = 2 * time.Minute                  // and five leases: three of others, a takeover, and its own
	simLookEvery    = 20 * time.Second                 // after this a process that was logged out has seen a new login
)

// checkSend is called when a refresh token arrives at the server, whose mutex is held.
func (s *sim) checkSend(send *simSend, ref simRef) {
	if ref.login.spoiled {
		return
	}
	pair, now, p := ref.login.pairs[ref.pair], s.now(), send.by
	margin := min(10*time.Second, s.profile.lives/30) + time.Second // the sender counts from before its request
	if s.profile.clocks {
		margin += 5 * time.Minute // so far apart two wall clocks may be
	}
	if !pair.rejected && !s.profile.clocks && !pair.broken && now < pair.issued+s.profile.lives*2/3 {
		s.violate(tooEarly, p, ref.login.key, "%s is %v old", ref.refreshToken(), now-pair.issued)
	}
	for _, before := range pair.sends {
		if before.by == p && before.known && !before.processed && now-before.delivered < 900*time.Millisecond {
			s.violate(tooSoon, p, ref.login.key, "%s failed %v ago", ref.refreshToken(), now-before.delivered)
		}
	}
	for _, before := range slices.Backward(pair.sends) {
		if !before.ended && before.by.ran(before.at) {
			s.violate(sentTwice, p, ref.login.key, "%s has been under way for %v, from %s", ref.refreshToken(), now-before.at, before.by.name)
			return
		}
		if before.refused && before.delivered > 0 {
			if now-before.at < 15*time.Minute && s.knowsRefusal(p, ref, before) {
				s.violate(refusedAgain, p, ref.login.key, "%s was refused %v ago to %s", ref.refreshToken(), now-before.at, before.by.name)
			}
			return
		}
		switch {
		case before.known && !before.processed:
		case s.asksAgain(pair, send): // law M6
		case pair.broken, now >= pair.issued+s.profile.lives-margin: // law M6: only another try can tell
		case s.server.rejected[simRejection{p, ref}]: // to the sender it has ended
		case !p.ran(now - s.profile.lease): // law M5: stopped between the look at the clock and the request
		default:
			s.violate(sentAgain, p, ref.login.key, "%s was sent %v ago by %s", ref.refreshToken(), now-before.at, before.by.name)
			return
		}
	}
}

// asksAgain reports whether a request is its sender's second, under the lease of the first.
func (s *sim) asksAgain(pair *simPair, send *simSend) bool {
	own := 0
	for _, before := range pair.sends {
		if before.by == send.by && send.at-before.at <= s.profile.lease/2 {
			own++
		}
	}
	return own == 1
}

// knowsRefusal reports whether p must know that another request with the same refresh token was
// refused: it was its own, or the store has had the chance to say so.
func (s *sim) knowsRefusal(p *simProcess, ref simRef, before *simSend) bool {
	s.mu.Lock()
	jumped := s.jumped[p.replica.n] >= before.at
	s.mu.Unlock()
	record := s.store.get(ref.login.key)
	switch {
	case record.login >= before.at: // it was put again
		return false
	case before.by == p:
		return !jumped
	case s.profile.clocks:
		return false // a time in the future says nothing
	case record.parsed.Refusal != nil && time.UnixMilli(record.parsed.Refusal.AtMS).After(s.began.Add(before.at)):
		return true
	}
	span := simSpan{before.at, before.delivered + time.Second}
	return before.by.ran(before.at) && s.store.windows.quiet(span, "store", -1)
}

// checkLease is called when a refresh token arrives at the server. A Put or Delete may have removed
// the lease.
func (s *sim) checkLease(send *simSend, ref simRef) {
	record := s.store.get(ref.login.key)
	if send.lease != send.by && record.login < send.at-s.profile.lease && send.by.ran(send.at-s.profile.lease) {
		s.violate(unleased, send.by, ref.login.key, "%s", ref.refreshToken())
	}
}

// checkLoss is called when a second use of a refresh token ends its login. The server's mutex is
// held.
func (s *sim) checkLoss(ref simRef, send *simSend) {
	if ref.login.spoiled {
		return
	}
	var holder *simSend
	for _, x := range ref.login.pairs[ref.pair].sends {
		if x.processed {
			holder = x
		}
	}
	next := simRef{ref.login, ref.pair + 1}
	s.mu.Lock()
	saved, ok := s.saved[next.refreshToken()]
	s.mu.Unlock()
	switch {
	case ok && saved < send.at:
		s.violate(sentAgain, send.by, ref.login.key, "%s was sent although the store has had %s", ref.refreshToken(), next.refreshToken())
	case holder.delivered == 0, !holder.by.ran(holder.delivered): // law M5
		s.count(func(c *simCounts) { c.lost++ })
	case s.store.windows.longest(simSpan{holder.delivered, send.at}, "store", holder.by.replica.n) < 2*time.Second:
		s.count(func(c *simCounts) { c.lost++ })
	case s.store.windows.quiet(simSpan{holder.delivered, send.at}, "store", -1):
		s.violate(dropped, send.by, ref.login.key, "%s has had %s for %v, and runs", holder.by.name, next.refreshToken(), s.now()-holder.delivered)
	default:
		s.violate(lost, send.by, ref.login.key, "%s has had %s for %v, and runs", holder.by.name, next.refreshToken(), s.now()-holder.delivered)
	}
}

// checkSwap is called when a record changes. The store's mutex is held.
func (s *sim) checkSwap(p *simProcess, key string, before, after simRecord) {
	a, b := before.parsed, after.parsed
	if a.Login == b.Login && a.Seq > b.Seq {
		s.violate(seqFalls, p, key, "%d to %d", a.Seq, b.Seq)
	}
	if a.Login == b.Login && before.leaseOf != nil && before.leaseOf != p && after.leaseOf == p && s.now()-before.leased < s.profile.lease {
		s.violate(tookEarly, p, key, "%s took the lease %v ago", before.leaseOf.name, s.now()-before.leased)
	}
	s.mu.Lock()
	if _, ok := s.saved[b.Token.RefreshToken]; !ok {
		s.saved[b.Token.RefreshToken] = s.now()
	}
	back := a.Login != b.Login && s.ended[b.Login]
	if a.Login != b.Login && a.Login != "" {
		s.ended[a.Login] = true
	}
	s.mu.Unlock()
	if back {
		s.violate(comesBack, p, key, "with %s", b.Token.RefreshToken)
	}
	if a.Token.RefreshToken == "" || b.Token.RefreshToken == "" {
		return
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	old, new := s.server.refresh[a.Token.RefreshToken], s.server.refresh[b.Token.RefreshToken]
	if old == new && a.Login != b.Login && a.Lease != "" && b.Lease == "" {
		s.violate(dropsLease, p, key, "%s, whose lease is %s's", b.Token.RefreshToken, before.leaseOf.name)
		new.login.spoiled = true
	}
	if old.login.n > new.login.n || old.login == new.login && old.pair > new.pair {
		s.violate(older, p, key, "%s replaces %s", b.Token.RefreshToken, a.Token.RefreshToken)
		new.login.spoiled = true
	}
}

// checkBearer is called when a user's request leaves a process.
func (s *sim) checkBearer(p *simProcess, u *simUser, host, token string) {
	if (host == simAPIHost) == (token == "") {
		s.violate(leaks, p, u.key, "%q has a bearer: %t", host, token != "")
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if ref, ok := s.server.access[token]; ok && ref.login.key != u.key {
		s.violate(foreign, p, u.key, "%s", token)
	}
}

// checkWait judges how long a call took, of which the rest was known when it began. A caller that
// finds another process's lease may wait until it ends.
func (s *sim) checkWait(p *simProcess, u *simUser, began time.Duration, hadValid, overdue, leased bool) {
	now := s.now()
	took := now - began
	before := began - time.Minute - 2*s.profile.lease // what began then may still hold others up
	span := simSpan{before, now}
	switch {
	case hadValid && overdue && s.profile.clocks: // what the look shows may be near its end, by the clock of p
	case hadValid && took > 0 && !(overdue && took <= simLookPatience):
		s.violate(waits, p, u.key, "%v", took)
	case took > simEnd+5*s.profile.lease:
		s.violate(hangs, p, u.key, "%v", took)
	case took > simPatience && !leased && s.store.windows.quiet(span, "store", -1) && s.server.windows.quiet(span, u.region, -1) && s.allRan(before):
		s.violate(starves, p, u.key, "%v", took)
	}
}

// overdue reports whether p has not looked at a key for longer than Recheck, by a clock of its own,
// and whether the store has had another login since.
func (s *sim) overdue(p *simProcess, key string) (overdue, replaced bool) {
	p.mu.Lock()
	looked := p.looked[key]
	p.mu.Unlock()
	replaced = s.store.get(key).login > looked
	s.mu.Lock()
	defer s.mu.Unlock()
	overdue = s.now()-looked > s.profile.recheck || s.jumped[p.replica.n] > looked
	return overdue, overdue && replaced
}

// allRan reports whether no process was stopped since then.
func (s *sim) allRan(since time.Duration) bool {
	for _, r := range s.replicas {
		s.mu.Lock()
		p := r.process
		s.mu.Unlock()
		if p == nil || p.began > since && p.began > 0 || !p.ran(since) {
			return false
		}
	}
	return true
}

// well reports whether nothing has gone wrong for a process since then.
func (s *sim) well(p *simProcess, u *simUser, since time.Duration) bool {
	s.mu.Lock()
	jumped := s.jumped[p.replica.n]
	s.mu.Unlock()
	span := simSpan{since, s.now()}
	return jumped < since && p.ran(since) && s.store.windows.quiet(span, "store", p.replica.n) &&
		s.server.windows.quiet(span, u.region, -1) && s.server.windows.quiet(span, apiRejectsGood, -1)
}

// checkError judges an error that a caller got, whose context has not ended. hadValid says that a
// valid token was there when it asked.
func (s *sim) checkError(p *simProcess, u *simUser, began time.Duration, hadValid bool, err error) {
	if errors.Is(err, csoauth.ErrLoginRequired) {
		s.count(func(c *simCounts) { c.loggedOut++ })
		if hadValid && !errors.Is(err, tokens.ErrNotFound) {
			s.violate(logsOut, p, u.key, "although it had a valid token: %v", err)
		}
	}
	record := s.store.get(u.key)
	live, wronged := s.server.live(record.parsed.Token.RefreshToken)
	if record.paired > began-simLookEvery || !live {
		return
	}
	switch {
	case wronged > 0 && wronged > began-simBelieved:
		s.count(func(c *simCounts) { c.wronged++ })
	case errors.Is(err, csoauth.ErrLoginRequired):
		if p.ran(began-simBackoff) && s.store.windows.quiet(simSpan{began - simBackoff, s.now()}, "store", p.replica.n) {
			s.violate(logsOut, p, u.key, "%v", err)
		}
	case s.well(p, u, began-simBackoff):
		s.violate(notRecovered, p, u.key, "%v", err)
	}
}

// checkFresh judges a token that a caller got.
func (s *sim) checkFresh(p *simProcess, u *simUser, began time.Duration, accessToken string) {
	record := s.store.get(u.key)
	s.server.mu.Lock()
	ref := s.server.access[accessToken]
	got, issued := ref.login, ref.login.pairs[ref.pair].issued
	current := s.server.refresh[record.parsed.Token.RefreshToken].login
	s.server.mu.Unlock()
	if got.key != u.key {
		s.violate(foreign, p, u.key, "%s", accessToken)
	}
	if over := s.now() - issued - s.profile.lives; over >= 0 && !s.profile.clocks {
		s.violate(handsOver, p, u.key, "%s has been over for %v", accessToken, over)
	}
	s.mu.Lock()
	_, saved := s.saved[ref.refreshToken()]
	s.mu.Unlock()
	if !saved && s.store.windows.quiet(simSpan{issued, s.now()}, "store", p.replica.n) && p.ran(issued) {
		s.violate(showsUnsaved, p, u.key, "%s", accessToken)
	}
	if got == current {
		return
	}
	since := record.login
	late := began - since - 2*s.profile.recheck - 2*time.Second
	if late > time.Second && p.ran(since) && s.store.windows.quiet(simSpan{since, s.now()}, "store", p.replica.n) {
		s.violate(stale, p, u.key, "%s, %v after the store had another login, or none", accessToken, began-since)
	}
}

// checkUnauthorized judges a 401 that a caller got.
func (s *sim) checkUnauthorized(p *simProcess, u *simUser, began time.Duration, hadValid bool) {
	record := s.store.get(u.key)
	if record.value == nil || record.login > began {
		return
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	ref := s.server.refresh[record.parsed.Token.RefreshToken]
	if ref.login.dead == "" {
		// Law M9: not if the token came, in the last minute, in place of another that was rejected.
		rejections := p.rejections[u.key]
		if hadValid && !ref.login.spoiled && len(rejections) == 1 && rejections[0] > began && s.well(p, u, began-simBackoff) {
			s.violate(notRepaired, p, u.key, "it was rejected %v ago", s.now()-rejections[0])
		}
		return
	}
	// A request that was repeated may have got its second 401 while the refusal was on its way.
	repeated := 0
	for _, at := range p.rejections[u.key] {
		if at > began {
			repeated++
		}
	}
	for _, send := range ref.login.pairs[ref.pair].sends {
		if send.by == p && send.refused && send.delivered > 0 && send.at > max(record.login, began-time.Minute) && repeated < 2 {
			s.violate(deadAlive, p, u.key, "the caller got a 401; %s was refused %v ago", ref.refreshToken(), s.now()-send.at)
			return
		}
	}
}

// checkMemory is called at the end, after each user has asked for a token.
func (s *sim) checkMemory(p *simProcess) {
	if cached, active := p.m.Cached(), p.m.Active(); cached > simCached+active {
		s.violate(grows, p, "", "%d keys, of which %d active", cached, active)
	}
}

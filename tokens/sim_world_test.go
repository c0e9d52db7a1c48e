package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	simLength   = 4 * time.Hour    // of what happens
	simQuiet    = 20 * time.Minute // afterwards, in which all is well
	simReplicas = 4
	simUsers    = 12
)

// A simProfile is what a seed decides at the beginning.
type simProfile struct {
	lives, lease, recheck time.Duration
	places                int  // MaxRefreshesPerHost
	grace                 bool // the server takes a used refresh token again for a while

	server, store, stops, clocks, api bool // what may fail
	revokes, logins, deletes, repeats bool // what users and administrators may do
}

func newSimProfile(r *rand.Rand) simProfile {
	coin := func() bool { return r.IntN(2) == 0 }
	p := simProfile{
		lives:   []time.Duration{2 * time.Minute, 10 * time.Minute, time.Hour}[r.IntN(3)],
		lease:   []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second}[r.IntN(3)],
		recheck: []time.Duration{10 * time.Second, time.Minute}[r.IntN(2)],
		places:  1 + r.IntN(2),
	}
	for _, b := range []*bool{&p.grace, &p.server, &p.store, &p.stops, &p.clocks, &p.api, &p.revokes, &p.logins, &p.deletes, &p.repeats} {
		*b = coin()
	}
	return p
}

// A sim is one run.
type sim struct {
	trace
	seed     uint64
	began    time.Time
	profile  simProfile
	server   *simServer
	store    *simStore
	replicas []*simReplica
	users    []*simUser
	work     sync.WaitGroup // all goroutines but the Managers'

	mu         sync.Mutex
	jumped     []time.Duration          // by replica, when its wall clock jumped last
	saved      map[string]time.Duration // when the store first had a refresh token
	ended      map[string]bool          // logins, by the number in the record, that were deleted or replaced
	violations []violation
	counts     simCounts
}

// A simUser uses one key.
type simUser struct {
	key, region string
	busy        bool           // a Put is under way; guarded by sim.mu
	first       *csoauth.Token // what the last login was put with; guarded by sim.mu
}

func newSim(seed uint64, tracing bool) *sim {
	s := &sim{seed: seed, began: time.Now(), saved: map[string]time.Duration{}, ended: map[string]bool{}, jumped: make([]time.Duration, simReplicas)}
	s.trace.on = tracing
	s.profile = newSimProfile(s.sequence("profile"))
	s.server, s.store = newSimServer(s), &simStore{s: s, records: map[string]*simRecord{}}
	s.server.grace = s.profile.grace
	for i := range simUsers {
		u := &simUser{key: fmt.Sprint("user", i), region: regionNA}
		if i%2 == 1 {
			u.region = regionEU
		}
		s.users = append(s.users, u)
	}
	for n := range simReplicas {
		s.replicas = append(s.replicas, &simReplica{n: n})
		s.jumped[n] = -simForever / 2
	}
	return s
}

// now returns how long the simulation has run.
func (s *sim) now() time.Duration { return time.Since(s.began) }

// hash is the seed's own hash (FNV-1a, and a final mix).
func (s *sim) hash(labels ...string) uint64 {
	h := uint64(14695981039346656037) ^ s.seed
	for _, label := range labels {
		for i := range len(label) {
			h = (h ^ uint64(label[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// random returns a length of time below n, by the labels and the moment.
func (s *sim) random(n time.Duration, labels ...string) time.Duration {
	h := s.hash(labels...) ^ uint64(s.now())*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return time.Duration((h ^ h>>31) % uint64(n))
}

// sequence returns a generator for one part of what is planned at the beginning.
func (s *sim) sequence(label string) *rand.Rand { return rand.New(rand.NewPCG(s.seed, s.hash(label))) }

// spawn runs f in a goroutine that the end waits for.
func (s *sim) spawn(f func()) { s.work.Go(f) }

// An act is something that happens at a moment.
type act struct {
	at time.Duration
	do func()
}

func (s *sim) run() {
	s.trace.add(0, "%+v", s.profile)
	acts := slices.Concat(s.serverFaults(), s.storeFaults(), s.stops(), s.clocks(), s.visits())
	slices.SortFunc(acts, func(a, b act) int { return int(min(1, max(-1, a.at-b.at))) })
	for _, r := range s.replicas {
		s.start(r)
	}
	for _, u := range s.users {
		s.logIn(s.replicas[0].process, u)
	}
	for _, a := range acts {
		time.Sleep(a.at - s.now())
		a.do()
	}
	time.Sleep(simLength + simQuiet - s.now())
	s.finish()
}

// finish sees that all is well again, and ends everything.
func (s *sim) finish() {
	s.work.Wait()
	for _, r := range s.replicas {
		if s.running(r) == nil {
			s.start(r)
		}
	}
	for _, u := range s.users {
		for _, r := range s.replicas {
			s.askForToken(r.process, u, context.Background(), false)
		}
	}
	for _, r := range s.replicas {
		s.checkMemory(r.process)
		if err := r.process.m.Close(); err != nil {
			s.violate(notRecovered, r.process, "", "Close: %v", err)
		}
	}
	s.work.Wait()
}

// running returns the process of r that can do something now, or nil.
func (s *sim) running(r *simReplica) *simProcess {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := r.process
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead || p.resume != nil {
		return nil
	}
	return p
}

// every returns moments that come about so often.
func every(r *rand.Rand, pause time.Duration) (moments []time.Duration) {
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() * float64(pause))
		if at >= simLength {
			return moments
		}
		moments = append(moments, at)
	}
}

// between returns a length of time from least to most, in the proportions of a logarithm.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	octaves := 0
	for d := least; d < most; d *= 2 {
		octaves++
	}
	low := least << r.IntN(max(1, octaves))
	return min(most, low+time.Duration(r.Int64N(int64(low)+1)))
}

// serverFaults spoils one region or the API for seconds or minutes. No fault outlasts simLength.
func (s *sim) serverFaults() []act {
	r := s.sequence("server")
	if s.profile.server {
		for _, at := range every(r, 20*time.Minute) {
			to := min(simLength, at+between(r, 5*time.Second, 20*time.Minute))
			region := []string{regionNA, regionEU}[r.IntN(2)]
			s.server.windows.add(simWindow{simSpan{at, to}, region, serverFaults[r.IntN(len(serverFaults))], -1})
		}
	}
	if s.profile.api {
		for _, at := range every(r, 30*time.Minute) {
			to := min(simLength, at+between(r, time.Second, 4*time.Minute))
			s.server.windows.add(simWindow{simSpan{at, to}, apiRejectsGood, apiRejectsGood, -1})
		}
	}
	return nil
}

// storeFaults spoils the store for one replica or all. Every third time it comes and goes.
func (s *sim) storeFaults() []act {
	if !s.profile.store {
		return nil
	}
	r := s.sequence("store")
	for _, at := range every(r, 15*time.Minute) {
		replica := r.IntN(2*simReplicas) - simReplicas
		replica = max(-1, replica)
		fault := storeFaults[r.IntN(len(storeFaults))]
		to := min(simLength, at+between(r, 200*time.Millisecond, time.Minute))
		if r.IntN(3) > 0 {
			s.store.windows.add(simWindow{simSpan{at, to}, "store", fault, replica})
			continue
		}
		refuses := []string{storeDown, storeFull}[r.IntN(2)]
		for at < to {
			end := at + between(r, 50*time.Millisecond, 4*time.Second)
			s.store.windows.add(simWindow{simSpan{at, min(to, end)}, "store", refuses, replica})
			at = end + between(r, 50*time.Millisecond, 3*time.Second)
		}
	}
	return nil
}

// whenLeased may fill the store just after a process has begun to refresh, for about a lease. It
// does so more often if the access token has ended: then the login is lost with the next pair.
func (s *sim) whenLeased(p *simProcess, key string) {
	random := func(n time.Duration, what string) time.Duration { return s.random(n, what, p.name, key) }
	s.disturb(p, key)
	odds := time.Duration(20)
	if valid, _, _ := p.m.Look(key); !valid {
		odds = 4
	}
	if !s.profile.store || random(odds, "whether to fill") != 0 || s.now() >= simLength-2*time.Minute {
		return
	}
	from := s.now() + random(500*time.Millisecond, "full from")
	length := s.profile.lease/4 + random(s.profile.lease, "full for")
	s.store.windows.add(simWindow{simSpan{from, from + length}, "store", storeFull, -1})
	s.trace.add(s.now(), "the store will be full for %v", length)
}

// disturb may let the user log in again or log out elsewhere, while a refresh is under way.
func (s *sim) disturb(p *simProcess, key string) {
	what := s.random(60, "disturb", p.name, key)
	if what > 1 || what == 0 && !s.profile.logins || what == 1 && !s.profile.deletes {
		return
	}
	u := s.users[slices.IndexFunc(s.users, func(u *simUser) bool { return u.key == key })]
	other := s.replicas[(p.replica.n+1+int(s.random(simReplicas-1, "where", p.name, key)))%simReplicas]
	s.spawn(func() {
		time.Sleep(s.random(400*time.Millisecond, "disturb after", p.name, key))
		p := s.running(other)
		switch {
		case p == nil:
		case what == 0:
			s.logIn(p, u)
		case what == 1:
			s.logOut(p, u)
		}
	})
}

// whenProcessed may stop a process that is about to get a new pair.
func (s *sim) whenProcessed(p *simProcess) {
	if !s.profile.stops || s.now() >= simLength-10*time.Minute {
		return
	}
	switch s.random(100, "whether to stop", p.name) {
	case 0:
		p.kill()
		s.startAfter(p)
	case 1:
		p.pause(s.profile.lease/2 + s.random(3*s.profile.lease, "pause for", p.name))
	}
}

// stops kills, pauses and restarts processes.
func (s *sim) stops() (acts []act) {
	if !s.profile.stops {
		return nil
	}
	r := s.sequence("stops")
	for _, at := range every(r, 12*time.Minute) {
		replica, how := s.replicas[r.IntN(simReplicas)], r.IntN(3)
		length := between(r, 200*time.Millisecond, 5*time.Minute)
		acts = append(acts, act{at, func() {
			p := s.running(replica)
			if p == nil {
				return
			}
			switch how {
			case 0:
				p.kill()
				s.startAfter(p)
			case 1:
				p.pause(length)
			case 2:
				s.spawn(func() {
					p.stop()
					s.startAfter(p)
				})
			}
		}})
	}
	return acts
}

// startAfter starts a process some time after p, which has ended, unless that has happened already.
func (s *sim) startAfter(p *simProcess) {
	r := p.replica
	s.mu.Lock()
	first := r.process == p
	if first {
		r.process = nil
	}
	s.mu.Unlock()
	if !first {
		return
	}
	s.spawn(func() {
		time.Sleep(time.Second + s.random(2*time.Minute, "start", fmt.Sprint(r.n)))
		s.start(r)
	})
}

// clocks sets the replicas' wall clocks.
func (s *sim) clocks() (acts []act) {
	if !s.profile.clocks {
		return nil
	}
	r := s.sequence("clocks")
	off := func() int64 { return r.Int64N(int64(4*time.Minute)) - int64(2*time.Minute) }
	for _, replica := range s.replicas {
		replica.off.Store(off())
	}
	for _, at := range every(r, time.Hour) {
		replica, to := s.replicas[r.IntN(simReplicas)], off()
		acts = append(acts, act{at, func() {
			replica.off.Store(to)
			s.trace.add(s.now(), "the wall clock of r%d is off by %v", replica.n, time.Duration(to))
			s.mu.Lock()
			s.jumped[replica.n] = s.now()
			s.mu.Unlock()
		}})
	}
	return acts
}

// visits lets the users come and go, at any replica.
func (s *sim) visits() (acts []act) {
	for _, u := range s.users {
		r := s.sequence(u.key)
		pause := s.profile.lives / 15
		for at := time.Duration(0); at < simLength; {
			away := between(r, 10*time.Second, time.Hour)
			from := at + away
			at = from + between(r, time.Minute, 30*time.Minute)
			for t := from; t < min(at, simLength); t += time.Duration(r.ExpFloat64()*float64(pause)) + 1 {
				acts = append(acts, act{t, s.visit(r, u)})
			}
		}
	}
	return acts
}

// visit returns what a user does at a moment.
func (s *sim) visit(r *rand.Rand, u *simUser) func() {
	replica, what, patience := s.replicas[r.IntN(simReplicas)], r.IntN(200), time.Duration(0)
	if r.IntN(4) == 0 {
		patience = between(r, time.Second, time.Minute)
	}
	return func() {
		p := s.running(replica)
		if p == nil {
			return
		}
		s.spawn(func() {
			ctx := context.Background()
			if patience > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, patience)
				defer cancel()
			}
			switch profile := s.profile; {
			case what == 0 && profile.logins:
				s.logIn(p, u)
			case what == 1 && profile.deletes:
				s.logOut(p, u)
			case what == 2 && profile.revokes:
				s.server.revoke(u.key)
			case what <= 4 && profile.repeats:
				s.putAgain(p, u)
			case what == 5 && profile.api:
				s.server.revokeAccess(u.key)
			case what < 80:
				s.callAPI(p, u, ctx, what)
			default:
				s.askForToken(p, u, ctx, true)
			}
		})
	}
}

// logIn begins a new login and puts it. A user whose login could not be stored tries again, as Put
// asks for.
func (s *sim) logIn(p *simProcess, u *simUser) {
	if !s.beginPut(u) {
		return
	}
	l := s.server.logIn(u)
	ref := simRef{l, 0}
	token := &csoauth.Token{
		AccessToken: ref.accessToken(), RefreshToken: ref.refreshToken(), TokenType: "Bearer",
		Expiry:  time.Now().Add(s.profile.lives + time.Duration(p.replica.off.Load())),
		UserUID: u.key, OrganizationUID: "org", Location: location(u.region), ClientID: "client", RedirectURI: simRedirect,
	}
	s.trace.add(s.now(), "%s puts %s of %s", p.name, token.RefreshToken, u.key)
	s.endPut(u, token, s.put(p, u, token))
}

// logOut deletes a login. Nobody puts its first pair again afterwards.
func (s *sim) logOut(p *simProcess, u *simUser) {
	s.mu.Lock()
	busy := u.busy
	if !busy {
		u.first = nil
	}
	s.mu.Unlock()
	if !busy {
		s.trace.add(s.now(), "%s deletes %s", p.name, u.key)
		began := s.now()
		err := p.m.Delete(simPut, u.key)
		if r := s.store.get(u.key); err == nil && r.value != nil && r.login < began {
			s.violate(untrue, p, u.key, "a Delete succeeds, and the login is there")
		}
	}
}

// maybeLogIn lets one in ten users who are told to log in do so.
func (s *sim) maybeLogIn(p *simProcess, u *simUser, err error) {
	if errors.Is(err, csoauth.ErrLoginRequired) && s.random(10, "whether to log in", p.name, u.key) == 0 && s.running(p.replica) == p {
		s.logIn(p, u)
	}
}

// putAgain puts the pair with which the login began once more, as a repeated callback does.
func (s *sim) putAgain(p *simProcess, u *simUser) {
	if !s.beginPut(u) {
		return
	}
	s.mu.Lock()
	token := u.first
	s.mu.Unlock()
	var err error
	if token != nil {
		s.trace.add(s.now(), "%s puts %s of %s again", p.name, token.RefreshToken, u.key)
		err = p.m.Put(simPut, u.key, token)
	}
	s.endPut(u, token, err)
}

func (s *sim) beginPut(u *simUser) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.busy {
		return false
	}
	u.busy = true
	return true
}

func (s *sim) endPut(u *simUser, token *csoauth.Token, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.busy = false
	if err == nil {
		u.first = token
	}
}

func (s *sim) put(p *simProcess, u *simUser, token *csoauth.Token) (err error) {
	for range 5 {
		if err = p.m.Put(simPut, u.key, token); err == nil {
			s.mu.Lock()
			_, ok := s.saved[token.RefreshToken]
			s.mu.Unlock()
			if !ok {
				s.violate(untrue, p, u.key, "a Put succeeds, and the store has never had %s", token.RefreshToken)
			}
			return nil
		}
		time.Sleep(time.Second + s.random(time.Minute, "put", u.key))
	}
	return err
}

// askForToken asks a Manager for a token, by the key or by its Login.
func (s *sim) askForToken(p *simProcess, u *simUser, ctx context.Context, reload bool) {
	s.count(func(c *simCounts) { c.calls++ })
	began := s.now()
	valid, left, hard := p.m.Look(u.key)
	leased := s.store.get(u.key).parsed.Lease != ""
	overdue, replaced := s.overdue(p, u.key)
	valid = valid && !replaced // what it has is not the user's login any more
	answered := make(chan struct{})
	if !valid && reload {
		s.spawn(func() { s.reload(p, u, answered) })
	}
	ask := p.login(u.key).Token
	if s.random(2, "by key", p.name, u.key) == 0 {
		ask = func(ctx context.Context) (*csoauth.Token, error) { return p.m.Token(ctx, u.key) }
	}
	token, err := ask(ctx)
	close(answered)
	p.tell("has for %s: %s", u.key, described(token, err))
	if !p.ran(began) {
		return // nobody sees what it got
	}
	s.checkWait(p, u, began, valid && left > hard, overdue, leased)
	if err != nil {
		if ctx.Err() == nil {
			s.checkError(p, u, began, valid && left > hard && !overdue, err) // an overdue look may show the end
		}
		s.maybeLogIn(p, u, err)
		return
	}
	s.checkFresh(p, u, began, token.AccessToken)
}

// reload lets a user who has waited for a second or more try another replica.
func (s *sim) reload(p *simProcess, u *simUser, answered chan struct{}) {
	select {
	case <-time.After(time.Second + s.random(2*time.Second, "reload", p.name, u.key)):
	case <-answered:
		return
	}
	other := s.replicas[(p.replica.n+1+int(s.random(simReplicas-1, "where", p.name, u.key)))%simReplicas]
	if p := s.running(other); p != nil {
		s.askForToken(p, u, context.Background(), false)
	}
}

func described(token *csoauth.Token, err error) string {
	if err != nil {
		return err.Error()
	}
	return token.AccessToken
}

// callAPI sends a request with the user's token. Some lead away to another host, some have a body
// that cannot be sent twice.
func (s *sim) callAPI(p *simProcess, u *simUser, ctx context.Context, what int) {
	s.count(func(c *simCounts) { c.calls++ })
	path, body := "/", io.Reader(nil)
	switch what % 8 {
	case 0:
		path = "/away"
	case 1:
		body = io.MultiReader(strings.NewReader("once"))
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "https://"+simAPIHost+path, body)
	if err != nil {
		panic(err)
	}
	began := s.now()
	hadValid, _, _ := p.m.Look(u.key)
	hadValid = hadValid && s.store.get(u.key).leaseOf == nil // or another's lease may have to be waited out
	client := &http.Client{Transport: p.login(u.key).Transport(simAPI{p, u})}
	resp, err := client.Do(req)
	if err != nil {
		p.tell("is told for %s: %v", u.key, err)
		if p.ran(began) && ctx.Err() == nil {
			s.checkError(p, u, began, false, err)
			s.maybeLogIn(p, u, err)
		}
		return
	}
	resp.Body.Close()
	p.tell("is told for %s: %d", u.key, resp.StatusCode)
	if p.ran(began) && resp.StatusCode == http.StatusUnauthorized && body == nil {
		s.checkUnauthorized(p, u, began, hadValid && ctx.Err() == nil)
	}
}

func (s *sim) count(f func(*simCounts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counts)
}

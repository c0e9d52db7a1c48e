package tokens

// This file compares, and does nothing else: no lock, no clock, no store, no change of anything.

// A pair is what a refresh brought, and the refresh token that it cost.
type pair struct {
	record
	spent string // empty: it is saved, or was not our refresh
}

// cameFrom reports whether p was got with the refresh token of r, which a server that does not
// rotate gives out again.
func (p *pair) cameFrom(r *record) bool {
	return p.spent != "" && p.spent == r.token.RefreshToken && p.spent != p.token.RefreshToken
}

// An outcome is what follows from a look at the store.
type outcome string

const (
	again     outcome = "again"      // a Put or Delete came in between: look again
	gone      outcome = "gone"       // the store has no login: it was ended elsewhere
	adopt     outcome = "adopt"      // the store has something newer, or another login
	writeBack outcome = "write back" // the store has lost our write, or has the token that we spent
	same      outcome = "same"       // memory has it already
)

// reconcile compares the record in the store with the newest pair that this process knows (law M2).
// Either may be nil. It also returns the record that counts. A lower seq means a lost write only
// within one login, or within the login that ours replaced. So reconcile believes a store that
// falls back over two Puts.
func reconcile(ours *pair, stored *record) (outcome, record) {
	switch {
	case stored == nil:
		return gone, record{}
	case ours == nil:
		return adopt, *stored
	}
	truth := ours.record
	if ours.cameFrom(stored) && stored.seq >= truth.seq { // the token that we spent was put again
		truth.seq, truth.login, truth.over, truth.first = stored.seq+1, stored.login, stored.over, stored.first
		truth = truth.with(lease{}) // which has to be encoded anew
	}
	switch {
	case stored.seq < truth.seq && (stored.login == truth.login || stored.login == truth.over):
		return writeBack, truth
	case stored.seq == truth.seq && stored.token.RefreshToken == truth.token.RefreshToken && stored.token.AccessToken == truth.token.AccessToken:
		return same, *stored
	}
	return adopt, *stored
}

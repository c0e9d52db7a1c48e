package emulator

import (
	"crypto/sha256"
	"time"
)

// How long what is over stays known, so that its second use can be told from a wrong value.
const (
	keepShort = time.Hour      // codes and access tokens
	keepLong  = 24 * time.Hour // refresh tokens, and all tokens of a login that has ended
)

// sweep forgets codes and tokens that have been over for long. It works when there are half as many
// again as it left, so that it costs each of them little.
func (g *grants) sweep() {
	const least = 1000
	if g.issued++; g.issued < max(least, (len(g.codes)+len(g.access)+len(g.refresh))/3) {
		return
	}
	g.issued = 0
	now := g.o.Now()
	for value, c := range g.codes {
		if now.Sub(c.expires) > keepShort {
			delete(g.codes, value)
		}
	}
	for who, value := range g.live {
		if g.codes[value] == nil {
			delete(g.live, who)
		}
	}
	for value, t := range g.access {
		if now.Sub(t.expires) > keepShort || t.goneFor(keepLong, now) {
			delete(g.access, value)
		}
	}
	for value, t := range g.refresh {
		expired := g.o.RefreshTokenLifetime > 0 && now.Sub(t.issued) > g.o.RefreshTokenLifetime+keepLong
		spent := !t.spent.IsZero() && now.Sub(t.spent) > keepLong && g.o.Unknowns.Reuse != "none"
		if expired || spent || t.goneFor(keepLong, now) {
			delete(g.refresh, value)
		}
	}
}

// goneFor reports whether a login was seen to be over d ago or earlier.
func (g *grant) goneFor(d time.Duration, now time.Time) bool {
	if !g.isOver() {
		return false
	}
	if g.endedAt.IsZero() {
		g.endedAt = now
	}
	return now.Sub(g.endedAt) > d
}

// maxRecent is how many values a recent remembers; the oldest go.
const maxRecent = 1 << 14

// A recent remembers values that were used, by their hashes. The zero recent is ready to use.
type recent struct {
	seen  map[[16]byte]bool
	order [][16]byte // a ring, once it is full
	next  int        // in order
}

// wasUsed reports whether an app has used a value before, and remembers it.
func (r *recent) wasUsed(appUID, value string) bool {
	if r.has(appUID, value) {
		return true
	}
	hash := hashOf(appUID, value)
	if r.seen == nil {
		r.seen = map[[16]byte]bool{}
	}
	if len(r.order) < maxRecent {
		r.order = append(r.order, hash)
	} else {
		delete(r.seen, r.order[r.next])
		r.order[r.next] = hash
		r.next = (r.next + 1) % maxRecent
	}
	r.seen[hash] = true
	return false
}

func (r *recent) has(appUID, value string) bool { return r.seen[hashOf(appUID, value)] }

func hashOf(appUID, value string) [16]byte {
	sum := sha256.Sum256([]byte(appUID + "\x00" + value))
	return [16]byte(sum[:16])
}

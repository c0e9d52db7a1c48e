package tokens

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/seal"
)

// A record is what a [Store] keeps for one key: a Token in its own stored form, and what replicas
// must know to refresh it one at a time.
type record struct {
	token csoauth.Token
	// login is random, and stays the same until the next Put. over is the login that the Put
	// replaced; 0: not known.
	login, over uint64
	// seq grows with every change of the token. A store that returns a lower seq of the same login
	// has lost a write.
	seq int64
	// lifetime is how long the token was valid when it came. It bounds what a replica with a wrong
	// clock believes.
	lifetime time.Duration
	// first is the shortHash of the refresh token with which the login began; 0: not known.
	first uint64
	// refusal says that the token endpoint has refused a refresh token; nil: none.
	refusal *refusal
	// lease is of an attempt to refresh that has begun: the refresh token may have been sent.
	lease lease

	tokenJSON []byte // token as raw has it, so token must not change; nil: not known
	raw       []byte // as the store holds it
	sealed    []byte // the same as the store under a sealed one has it; nil: not known
}

// A lease keeps other processes from refreshing a key for a while. Its zero value is none.
type lease struct {
	id     string        // random
	length time.Duration // how long its holder may go on
	locked bool          // the holder has the key's lock: a process that gets it need not wait
}

const (
	defaultLease = 30 * time.Second
	minLease     = time.Second // a store and a token endpoint respond within it
	maxLease     = time.Hour   // what a record may ask others to wait
)

const (
	recordKind    = "csoauth/tokens.Record"
	recordVersion = 1
	maxRecord     = 1 << 20  // bytes that are read
	maxPut        = 62 << 10 // bytes of a login: a store takes 64 KiB, and lease and refusal need room
	maxSeq        = 1 << 62  // a seq is a time in milliseconds, and some more
)

type recordJSON struct {
	Kind       string          `json:"kind"`
	Version    int             `json:"version"`
	Login      uint64          `json:"login,string"`
	Over       uint64          `json:"over,string,omitempty"`
	Seq        int64           `json:"seq"`
	LifetimeMS int64           `json:"lifetime_ms,omitempty"`
	First      uint64          `json:"first,string,omitempty"`
	Refusal    *refusal        `json:"refusal,omitempty"`
	Lease      string          `json:"lease,omitempty"`
	LeaseMS    int64           `json:"lease_ms,omitempty"`
	Locked     bool            `json:"locked,omitempty"`
	Token      json.RawMessage `json:"token,omitempty"` // encode appends it
}

// value is what the store holds.
func (r *record) value() value { return value{r.raw, r.sealed} }

// encode fills in raw. The token is JSON already, and stays the same if only the lease changes. So
// it is appended as the last member: encoding/json would read all of it again.
func (r *record) encode() (err error) {
	if r.tokenJSON == nil {
		if r.tokenJSON, err = r.token.MarshalBinary(); err != nil {
			return err
		}
	}
	rest, err := json.Marshal(recordJSON{
		Kind:       recordKind,
		Version:    recordVersion,
		Login:      r.login,
		Over:       r.over,
		Seq:        r.seq,
		LifetimeMS: r.lifetime.Milliseconds(),
		First:      r.first,
		Refusal:    r.refusal,
		Lease:      r.lease.id,
		LeaseMS:    r.lease.length.Milliseconds(),
		Locked:     r.lease.locked,
	})
	if err != nil {
		return err
	}
	r.raw = slices.Concat(rest[:len(rest)-1], []byte(`,"token":`), r.tokenJSON, []byte("}"))
	r.sealed = nil
	return nil
}

// decode reads what encode of this or an older version wrote. No error repeats what it read.
func decode(raw []byte) (record, error) {
	var j recordJSON
	if len(raw) > maxRecord {
		return record{}, fmt.Errorf("the value has %d bytes, but a record has at most %d: does another program write to this store?", len(raw), maxRecord)
	}
	switch err := json.Unmarshal(raw, &j); {
	case len(raw) >= seal.Overhead && raw[0] == 1: // a sealed value's version, and never JSON
		return record{}, fmt.Errorf("the value of %d bytes is sealed: wrap the store in tokens.Sealed, with its key", len(raw))
	case err != nil || j.Kind != recordKind:
		return record{}, fmt.Errorf("%d bytes in the store are not a record of package tokens: does another program write to this store?", len(raw))
	case j.Version < 1 || j.Version > recordVersion:
		return record{}, fmt.Errorf("the record has version %d, but this csoauth reads 1 to %d: update csoauth in all programs that use the store", j.Version, recordVersion)
	}
	if j.LifetimeMS < 0 || j.LeaseMS < 0 || j.Seq < 0 || j.Seq > maxSeq {
		return record{}, errors.New("the record has a number that no csoauth writes")
	}
	r := record{
		login:    j.Login,
		over:     j.Over,
		seq:      j.Seq,
		lifetime: time.Duration(min(j.LifetimeMS, forever.Milliseconds())) * time.Millisecond,
		first:    j.First,
		refusal:  j.Refusal,
		lease: lease{
			id:     j.Lease,
			length: time.Duration(min(j.LeaseMS, maxLease.Milliseconds())) * time.Millisecond,
			locked: j.Locked,
		},
		tokenJSON: j.Token,
		raw:       raw,
	}
	if err := r.token.UnmarshalBinary(j.Token); err != nil {
		return record{}, err
	}
	return r, nil
}

// with returns r with another lease, or with none.
func (r record) with(l lease) record {
	r.lease, r.raw, r.sealed = l, nil, nil
	return r
}

// renewed returns the record that follows r when a token comes in place of its own, now. A token
// without an expiry never ends by itself.
func (r record) renewed(t *csoauth.Token, now time.Time) record {
	next := record{token: *t, login: r.login, over: r.over, seq: r.seq + 1, first: r.first}
	if !t.Expiry.IsZero() {
		next.lifetime = max(0, t.Expiry.Sub(now.Round(0)))
	}
	return next
}

// newLogin returns the record of a login that replaces old's login now. old may have no login. The
// new seq is greater than old's. It comes from the time, so it is also greater than the seq of a
// deleted record.
func newLogin(t *csoauth.Token, old record, now time.Time) record {
	old.seq = max(old.seq, now.UnixMilli()-1)
	next := old.renewed(t, now)
	next.login, next.over, next.first = randomID(), old.login, shortHash(t.RefreshToken)
	return next
}

// withRefusal returns r without a lease, and with a refusal.
func (r record) withRefusal(refusal *refusal) record {
	r = r.with(lease{})
	r.refusal = refusal
	return r
}

// has reports whether r has this refresh token.
func (r *record) has(refreshToken string) bool {
	return refreshToken != "" && r.token.RefreshToken == refreshToken
}

// beganWith reports whether r's login began with this refresh token.
func (r *record) beganWith(refreshToken string) bool {
	return r.first != 0 && r.first == shortHash(refreshToken)
}

func randomID() uint64 {
	var random [8]byte
	_, _ = rand.Read(random[:]) // it never fails
	return binary.BigEndian.Uint64(random[:])
}

package tokens

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// recordOf is a record with the tokens of one refresh, by name.
func recordOf(login, over uint64, seq int64, refresh string) record {
	return record{login: login, over: over, seq: seq, token: csoauth.Token{AccessToken: "access " + refresh, RefreshToken: refresh}}
}

// Law: M2
func TestReconcile(t *testing.T) {
	const old, new, other = "old", "new", "other"
	ours := func(spent string) *pair { return &pair{recordOf(2, 1, 10, new), spent} }
	for name, row := range map[string]struct {
		ours   *pair
		stored record
		want   outcome
		truth  record
	}{
		"nothing is known":                       {nil, recordOf(2, 1, 10, new), adopt, recordOf(2, 1, 10, new)},
		"the store has what memory has":          {ours(""), recordOf(2, 1, 10, new), same, recordOf(2, 1, 10, new)},
		"another process has refreshed":          {ours(""), recordOf(2, 1, 11, other), adopt, recordOf(2, 1, 11, other)},
		"the user has logged in elsewhere":       {ours(""), recordOf(3, 2, 12, other), adopt, recordOf(3, 2, 12, other)},
		"another login, of no refresh token":     {ours(""), recordOf(3, 2, 12, ""), adopt, recordOf(3, 2, 12, "")},
		"the store has lost a refresh":           {ours(""), recordOf(2, 1, 9, old), writeBack, recordOf(2, 1, 10, new)},
		"the store has lost a Put":               {ours(""), recordOf(1, 0, 9, old), writeBack, recordOf(2, 1, 10, new)},
		"the store has lost two Puts":            {ours(""), recordOf(7, 6, 9, old), adopt, recordOf(7, 6, 9, old)},
		"our new pair, over the one it came of":  {ours(old), recordOf(2, 1, 9, old), writeBack, recordOf(2, 1, 10, new)},
		"our new pair, and a later login":        {ours(old), recordOf(3, 2, 12, other), adopt, recordOf(3, 2, 12, other)},
		"somebody has put the spent token again": {ours(old), recordOf(3, 2, 12, old), writeBack, recordOf(3, 2, 13, new)},
		"a server that does not rotate":          {ours(new), recordOf(2, 1, 10, new), same, recordOf(2, 1, 10, new)},
	} {
		got, truth := reconcile(row.ours, &row.stored)
		assert.Equal(t, row.want, got, name)
		assert.Equal(t, row.truth, truth, name)
		got, _ = reconcile(row.ours, nil)
		assert.Equal(t, gone, got, "the login was ended elsewhere")
	}
}

// TestReconcileKeepsTheLaws tries everything that two records can be to each other.
//
// Law: M2
func TestReconcileKeepsTheLaws(t *testing.T) {
	n := 0
	ids, seqs, refreshes := []uint64{0, 1, 2, 3}, []int64{8, 9, 10}, []string{"a", "b", "c"}
	for _, login := range ids {
		for _, over := range ids {
			for _, refresh := range refreshes {
				for _, spent := range append(refreshes, "") {
					ours := &pair{recordOf(login, over, 9, refresh), spent}
					for _, storedLogin := range ids {
						for _, storedOver := range ids {
							for _, seq := range seqs {
								for _, storedRefresh := range refreshes {
									n++
									stored := recordOf(storedLogin, storedOver, seq, storedRefresh)
									before := *ours
									what, truth := reconcile(ours, &stored)
									require.Equal(t, before, *ours, "it changes nothing")
									switch what {
									case adopt, same:
										require.Equal(t, stored, truth, "the store is the truth")
										require.False(t, ours.cameFrom(&stored) && seq >= 9, "a refresh token that we spent is never used: %v, %v", ours, stored)
									case writeBack:
										require.Equal(t, refresh, truth.token.RefreshToken, "ours is the truth")
										require.Greater(t, truth.seq, stored.seq, "a write goes forward")
										related := storedLogin == login || storedLogin == over
										require.True(t, ours.cameFrom(&stored) || related, "another login is not replaced: %v, %v", ours, stored)
									}
									if seq > 9 && !ours.cameFrom(&stored) {
										require.Equal(t, adopt, what, "what is newer is adopted: %v, %v", ours, stored)
									}
								}
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d pairs of records", n)
	assert.Greater(t, n, 20_000)
}

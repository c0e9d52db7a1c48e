package emulator_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestParallelRefreshesOfOneTokenEndTheLogin(t *testing.T) {
	s := start(t, emulator.Options{})
	tokens := s.login()
	said := inParallel(8, func(int) tokenAnswer { return s.token(renewal(tokens.Refresh)) })
	winner := theOneThatWon(t, said, reused)
	require.False(t, s.works(winner.Access))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(winner.Refresh)).reason())
}

func TestParallelRedemptionsOfOneCodeEndTheLogin(t *testing.T) {
	s := start(t, emulator.Options{})
	code := s.code()
	said := inParallel(8, func(int) tokenAnswer { return s.token(redemption(code)) })
	winner := theOneThatWon(t, said, usedCode)
	require.False(t, s.works(winner.Access))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(winner.Refresh)).reason())
}

// theOneThatWon requires that all others got that refusal.
func theOneThatWon(t *testing.T, said []tokenAnswer, refusal string) (winner tokenAnswer) {
	won := 0
	for _, answer := range said {
		if answer.reason() == "" {
			won, winner = won+1, answer
		} else {
			assert.Equal(t, refusal, answer.reason())
		}
	}
	require.Equal(t, 1, won)
	return winner
}

func TestManyLoginsAtOnce(t *testing.T) {
	users := []emulator.User{}
	for i := range 16 {
		users = append(users, emulator.User{UID: fmt.Sprint("user", i), FirstName: "U", Organizations: []emulator.Organization{{UID: "org", Name: "Org"}}})
	}
	s := start(t, emulator.Options{Users: users})
	ended := inParallel(len(users), func(i int) string {
		page := s.visit(emulator.Visitor{UserUID: users[i].UID}, s.byPath("app1", authorization()))
		back, err := url.Parse(page.header.Get("Location"))
		if err != nil {
			return err.Error()
		}
		tokens := s.token(redemption(back.Query().Get("code")))
		for range 5 {
			if tokens.reason() != "" || !s.works(tokens.Access) {
				return "refused: " + tokens.reason()
			}
			_ = s.Requests()
			if err := s.Register("app1", fmt.Sprint("https://app.example.com/", i)); err != nil {
				return err.Error()
			}
			tokens = s.token(renewal(tokens.Refresh))
		}
		return tokens.reason()
	})
	require.Equal(t, make([]string, len(users)), ended)
	require.Len(t, s.Apps()[0].RedirectURIs, 2+len(users))
	owners := map[string]int{}
	for _, r := range s.Requests() {
		owners[r.Answer["user_uid"]]++
	}
	for _, user := range users {
		require.Equal(t, 6, owners[user.UID], "a login and five refreshes, none mixed up with another's")
	}
}

// inParallel starts n calls at the same moment and returns what they returned.
func inParallel[T any](n int, do func(i int) T) []T {
	results, gate := make([]T, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-gate
			results[i] = do(i)
		})
	}
	close(gate)
	all.Wait()
	return results
}

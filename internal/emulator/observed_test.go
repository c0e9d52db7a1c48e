package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
)

// saw is a report with an answer to each of these questions.
func saw(answers map[string]string) *observed.Report {
	r := &observed.Report{}
	for question, answer := range answers {
		r.Results = append(r.Results, observed.Result{Question: question, Outcome: observed.Observed, Answer: answer})
	}
	return r
}

func TestFollowTakesWhatWasObserved(t *testing.T) {
	o := emulator.Strict()
	o.Unknowns.Reuse, o.Unknowns.ReuseGrace = "grace", emulator.Duration(time.Minute)
	r := saw(map[string]string{
		"error_shape": "nestjs-array", "denial_state": "left-out", "old_access_token": "lives", "refresh_without_redirect_uri": "accepted",
		"basic": "read", "omit": "expires_in,token_type", "location": "EU", "access_token_lifetime": "20m0s", "reuse": "refuse", "revoked_again": "410", "clock": "2s",
	})
	r.Results = append(r.Results, observed.Result{Question: "scope_list", Outcome: observed.Unclear, Note: "grouped"})
	taken, left, err := o.Follow(r)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"error_shape", "denial_state", "old_access_token", "refresh_without_redirect_uri", "basic", "omit", "location", "access_token_lifetime", "reuse"}, taken)
	assert.Equal(t, []string{"revoked_again"}, left, "the emulator has no 410")
	assert.Equal(t, emulator.Unknowns{
		ErrorShape: "nestjs-array", DenialWithoutState: true, OldAccessTokenLives: true, Omit: []string{"expires_in", "token_type"}, Reuse: "refuse",
	}, o.Unknowns)
	assert.Equal(t, 20*time.Minute, o.AccessTokenLifetime)
	assert.Equal(t, "EU", o.Location)
	assert.Contains(t, o.Tolerate, "refresh-without-redirect-uri")
	assert.Contains(t, o.Tolerate, "basic-at-token-endpoint")
	_, err = emulator.New(o)
	require.NoError(t, err)

	_, _, err = o.Follow(saw(map[string]string{"refresh_without_redirect_uri": "refused", "omit": "none"}))
	require.NoError(t, err)
	assert.NotContains(t, o.Tolerate, "refresh-without-redirect-uri")
	assert.Empty(t, o.Unknowns.Omit)
	_, left, err = o.Follow(saw(map[string]string{"omit": "expires_in,id_token"}))
	require.NoError(t, err)
	assert.Equal(t, []string{"omit"}, left)
	_, left, err = o.Follow(saw(map[string]string{
		"access_token_lifetime": "0s", "denial_state": "perhaps", "old_access_token": "perhaps", "refresh_without_redirect_uri": "perhaps", "basic": "perhaps",
	}))
	require.NoError(t, err)
	assert.Len(t, left, 5)
	assert.Equal(t, 20*time.Minute, o.AccessTokenLifetime)
	assert.Equal(t, []string{"expires_in"}, o.Unknowns.Omit)
}

func TestFollowOfAReportThatCannotBe(t *testing.T) {
	for name, answers := range map[string]map[string]string{
		"lifetime": {"access_token_lifetime": "long"}, "grace": {"reuse_grace": "long"}, "grace without a time": {"reuse": "grace"},
	} {
		t.Run(name, func(t *testing.T) {
			o := emulator.Strict()
			_, _, err := o.Follow(saw(answers))
			require.ErrorContains(t, err, "emulator: observed: ")
		})
	}
}

package emulator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/observed"
)

// Follow makes the emulator behave as a probe has observed. It returns the questions that the
// report answers and the emulator has, and those of them whose answers the emulator cannot give.
// For the rest it stays as it was.
func (o *Options) Follow(r *observed.Report) (taken, left []string, err error) {
	u := &o.Unknowns
	for _, result := range r.Results {
		answer := result.Answer
		if result.Outcome != observed.Observed {
			continue
		}
		ok := true
		switch result.Question {
		case "denial_state":
			ok = answer == "left-out" || answer == "echoed"
			u.DenialWithoutState = answer == "left-out"
		case "old_access_token":
			ok = answer == "lives" || answer == "dies"
			u.OldAccessTokenLives = answer == "lives"
		case "refresh_without_redirect_uri":
			ok = answer == "accepted" || answer == "refused"
			o.SetTolerated("refresh-without-redirect-uri", answer == "accepted")
		case "basic":
			ok = answer == "read" || answer == "not-read"
			o.SetTolerated("basic-at-token-endpoint", answer == "read")
		case "omit":
			u.Omit, ok = omitted(answer)
		case "location":
			o.Location = answer
		case "access_token_lifetime":
			lifetime, err := time.ParseDuration(answer)
			if err != nil {
				return nil, nil, fmt.Errorf("emulator: observed: %w", err)
			}
			if ok = lifetime >= time.Second; ok {
				o.AccessTokenLifetime = lifetime
			}
		case "reuse_grace":
			grace, err := time.ParseDuration(answer)
			if err != nil {
				return nil, nil, fmt.Errorf("emulator: observed: %w", err)
			}
			u.ReuseGrace = Duration(grace)
		default:
			i := slices.IndexFunc(questions, func(q Question) bool { return q.Name == result.Question })
			if i < 0 {
				continue
			}
			if ok = slices.Contains(questions[i].Answers, answer); ok {
				*questions[i].field(u) = answer
			}
		}
		if ok {
			taken = append(taken, result.Question)
		} else {
			left = append(left, result.Question)
		}
	}
	switch {
	case u.Reuse != "grace":
		u.ReuseGrace = 0
	case u.ReuseGrace == 0:
		return nil, nil, fmt.Errorf("emulator: observed: reuse is grace, and reuse_grace is not observed")
	}
	return taken, left, nil
}

// omitted reads which members a token response lacks. It leaves out those that the emulator cannot
// leave out, and ok is false then.
func omitted(answer string) (members []string, ok bool) {
	if answer == "none" {
		return nil, true
	}
	ok = true
	for name := range strings.SplitSeq(answer, ",") {
		if slices.Contains(omittable, name) {
			members = append(members, name)
		} else {
			ok = false
		}
	}
	return members, ok
}

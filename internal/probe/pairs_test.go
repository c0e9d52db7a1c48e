package probe_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

// A dimension is something about a service or its app that a probe should find out, or that
// should not disturb it.
type dimension struct {
	name   string
	values []string
	set    func(*setting, string)
}

// A setting is an emulator, and who asks it.
type setting struct {
	o      emulator.Options
	eu     bool
	secret bool
	user   emulator.User
	chosen map[string]string // values by the names of dimensions
}

// dimensions are every field of the emulator's Unknowns with all its values, and what else the
// probe can see.
func dimensions() (all []dimension) {
	for _, q := range emulator.Questions() {
		if q.Name != "reuse" {
			all = append(all, dimension{q.Name, q.Answers, func(s *setting, v string) { *q.Of(&s.o.Unknowns) = v }})
		}
	}
	reuses := []string{"revoke", "refuse", "none", "grace 2s", "grace 30s", "grace 5m"}
	return append(all,
		dimension{"reuse", reuses, func(s *setting, v string) {
			reuse, grace, _ := strings.Cut(v, " ")
			d, _ := time.ParseDuration(grace) // none is 0
			s.o.Unknowns.Reuse, s.o.Unknowns.ReuseGrace = reuse, emulator.Duration(d)
		}},
		dimension{"denial_without_state", []string{"no", "yes"}, func(s *setting, v string) { s.o.Unknowns.DenialWithoutState = v == "yes" }},
		dimension{"old_access_token_lives", []string{"no", "yes"}, func(s *setting, v string) { s.o.Unknowns.OldAccessTokenLives = v == "yes" }},
		dimension{"omit", []string{
			"", "refresh_token", "token_type", "expires_in", "location", "region", "organization_uid", "user_uid", "authorization_type", "stack_api_key",
			"location,region,organization_uid,user_uid",
		}, func(s *setting, v string) {
			s.o.Unknowns.Omit = nil
			if v != "" {
				s.o.Unknowns.Omit = strings.Split(v, ",")
			}
		}},
		dimension{"refresh_without_redirect_uri", []string{"refused", "accepted"}, func(s *setting, v string) {
			s.o.SetTolerated("refresh-without-redirect-uri", v == "accepted")
		}},
		dimension{"basic", []string{"not-read", "read"}, func(s *setting, v string) { s.o.SetTolerated("basic-at-token-endpoint", v == "read") }},
		dimension{"lifetime", []string{"1h", "20m"}, func(s *setting, v string) { s.o.AccessTokenLifetime, _ = time.ParseDuration(v) }},
		dimension{"secret", []string{"no", "yes"}, func(s *setting, v string) { s.secret = v == "yes" }},
		dimension{"location", []string{"NA", "EU"}, func(s *setting, v string) { s.o.Location, s.eu = v, v == "EU" }},
		dimension{"user", []string{"owner of two", "member of one"}, func(s *setting, v string) {
			s.user = emulator.DefaultUsers()[slices.Index([]string{"owner of two", "member of one"}, v)]
		}},
	)
}

// pairs returns settings in which each two values of different dimensions come together at least
// once.
func pairs(all []dimension) (settings []*setting) {
	type value struct{ dimension, value int }
	type pair struct{ a, b value }
	missing := map[pair]bool{}
	for a := range all {
		for b := a + 1; b < len(all); b++ {
			for i := range all[a].values {
				for j := range all[b].values {
					missing[pair{value{a, i}, value{b, j}}] = true
				}
			}
		}
	}
	covers := func(row []int) (found []pair) {
		for a := range row {
			for b := a + 1; b < len(row); b++ {
				if p := (pair{value{a, row[a]}, value{b, row[b]}}); missing[p] {
					found = append(found, p)
				}
			}
		}
		return found
	}
	random := rand.New(rand.NewPCG(1, 2))
	for len(missing) > 0 {
		var best []int
		for range 60 {
			row := make([]int, len(all))
			for d := range row {
				row[d] = random.IntN(len(all[d].values))
			}
			if len(covers(row)) > len(covers(best)) || best == nil {
				best = row
			}
		}
		for d := range best { // each value that helps more than the random one
			for v := range all[d].values {
				other := slices.Clone(best)
				if other[d] = v; len(covers(other)) > len(covers(best)) {
					best = other
				}
			}
		}
		found := covers(best)
		if len(found) == 0 { // luck has ended: take one that is missing
			for p := range missing {
				best[p.a.dimension], best[p.b.dimension] = p.a.value, p.b.value
				break
			}
			found = covers(best)
		}
		for _, p := range found {
			delete(missing, p)
		}
		settings = append(settings, newSetting(all, best))
	}
	return settings
}

func newSetting(all []dimension, row []int) *setting {
	s := &setting{o: emulator.Strict(), chosen: map[string]string{}}
	for d, v := range row {
		all[d].set(s, all[d].values[v])
		s.chosen[all[d].name] = all[d].values[v]
	}
	return s
}

// bench returns a bench with the setting's emulator.
func (s *setting) bench(t *testing.T) *bench {
	b := newBench(t, s.o)
	b.visitor.UserUID = s.user.UID
	if s.secret {
		b.config.ClientSecret = emulator.DefaultApp().ClientSecret
	}
	if s.eu {
		b.config.Region = csoauth.EU
		b.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.EU: csoauth.OneHost(service)}
	}
	return b
}

// An answer is what a probe should say to a question: an outcome, and a word if it is "observed".
type answer string

const (
	notAsked answer = "not asked"
	unclear  answer = "unclear"
)

// answers are what a probe of the setting should find.
func (s *setting) answers() map[string]answer {
	c, u := s.chosen, s.o.Unknowns
	omits := func(name string) bool { return slices.Contains(u.Omit, name) }
	want := map[string]answer{
		"access_token_lifetime": answer(s.o.AccessTokenLifetime.String()), "location": answer(c["location"]),
		"denial": "access_denied", "denial_state": "echoed", "old_access_token": "dies",
		"refresh_without_redirect_uri": answer(c["refresh_without_redirect_uri"]),
		"code_after_failure":           "spent", "code_reuse": "revoke", "cors": "not-allowed", "json": "not-read", "basic": answer(c["basic"]), "rate_limit_headers": "none", "revoke_ends": "all", "clock": "0s",
		"refresh_token_lifetime": notAsked, "redirect_matching": notAsked, "machine_tokens": notAsked, "install_pkce": notAsked,
	}
	for _, q := range emulator.Questions() {
		want[q.Name] = answer(c[q.Name])
	}
	for _, question := range []string{"bad_code", "bad_client", "bad_refresh_token", "bad_secret", "bad_verifier"} {
		want[question] = answer(u.ErrorShape)
	}
	if u.DenialWithoutState {
		want["denial_state"] = "left-out"
	}
	if u.OldAccessTokenLives {
		want["old_access_token"] = "lives"
	}
	if u.RegionNames == "neither" {
		want["location"] = notAsked
	}
	if omits("expires_in") {
		want["access_token_lifetime"] = notAsked
	}
	s.answersOfRegion(want, omits)
	s.answersOfReuse(want)
	if omits("refresh_token") {
		for _, question := range []string{
			"old_access_token", "refresh_without_redirect_uri", "bad_secret", "rotation",
			"reuse", "reuse_at_once", "reuse_after_5s", "reuse_after_2m", "reuse_grace", "reuse_access",
		} {
			want[question] = notAsked
		}
		want["code_reuse"], want["revoke_ends"] = unclear, unclear
	}
	alone := len(s.user.Organizations) == 1
	switch {
	case alone:
		want["organization_list"] = unclear // it lists the one that there is
	case omits("organization_uid") && u.OrganizationList == "all":
		want["organization_member"], want["stacks_without_organization"] = notAsked, notAsked
	}
	return want
}

func (s *setting) answersOfRegion(want map[string]answer, omits func(string) bool) {
	location := s.chosen["region_names"] == "location" || s.chosen["region_names"] == "both"
	region := s.chosen["region_names"] == "region" || s.chosen["region_names"] == "both"
	var lacks []string
	for _, name := range s.o.Unknowns.Omit {
		if (name != "location" || location) && (name != "region" || region) {
			lacks = append(lacks, name)
		}
	}
	slices.Sort(lacks)
	want["omit"] = "none"
	if len(lacks) > 0 {
		want["omit"] = answer(strings.Join(lacks, ","))
	}
	location, region = location && !omits("location"), region && !omits("region")
	want["token_region_names"] = map[bool]map[bool]answer{
		true: {true: "both", false: "location"}, false: {true: "region", false: "neither"},
	}[location][region]
}

func (s *setting) answersOfReuse(want map[string]answer) {
	for _, question := range []string{"reuse_after_5s", "reuse_after_2m", "reuse_grace", "reuse_access"} {
		want[question] = notAsked
	}
	want["rotation"] = "rotates"
	switch s.chosen["reuse"] {
	case "revoke":
		want["reuse"], want["reuse_at_once"], want["reuse_access"] = "revoke", "refused", "dies"
	case "refuse":
		want["reuse"], want["reuse_at_once"], want["reuse_access"] = "refuse", "refused", "lives"
	case "none":
		want["reuse"], want["reuse_at_once"], want["rotation"] = "none", "works", "stays"
	case "grace 2s":
		want["reuse"], want["reuse_at_once"], want["reuse_after_5s"], want["reuse_grace"], want["reuse_access"] = "grace", "works", "refused", "1s", "dies"
	case "grace 30s":
		want["reuse"], want["reuse_at_once"], want["reuse_after_5s"], want["reuse_after_2m"], want["reuse_grace"], want["reuse_access"] = "grace", "works", "works", "refused", "5s", "dies"
	case "grace 5m":
		want["reuse"], want["reuse_at_once"], want["reuse_after_5s"], want["reuse_after_2m"], want["reuse_grace"] = "grace", "works", "works", "works", "2m0s"
	}
}

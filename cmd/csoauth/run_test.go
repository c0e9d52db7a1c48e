package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestEnvironmentOfACommand(t *testing.T) {
	values, err := valuesFor(&csoauth.Config{}, &csoauth.Token{
		AccessToken: "t", OrganizationUID: "o", Location: "EU", Expiry: time.Date(2026, 7, 1, 12, 0, 0, 999, time.FixedZone("", 7200)),
	})
	require.NoError(t, err)
	before := []string{"PATH=/bin", "CSOAUTH_ACCESS_TOKEN=old", "MY_ORG=old", "CSOAUTH_PROFILE=work", "EMPTY="}
	got := environment(before, values, map[string]string{"MY_ORG": wordOrganization, "URL": wordBaseURL})
	slices.Sort(got)
	require.Equal(t, []string{
		"CSOAUTH_ACCESS_TOKEN=t", "CSOAUTH_BASE_URL=https://eu-api.contentstack.com", "CSOAUTH_EXPIRES_AT=2026-07-01T10:00:00Z",
		"CSOAUTH_ORGANIZATION_UID=o", "CSOAUTH_PROFILE=work", "EMPTY=", "MY_ORG=o", "PATH=/bin", "URL=https://eu-api.contentstack.com",
	}, got)

	// What there is nothing for is removed, so that nothing old stays beside a new token.
	got = environment([]string{"CSOAUTH_ORGANIZATION_UID=old", "CSOAUTH_EXPIRES_AT=old", "MY_ORG=old"},
		map[string]string{wordToken: "t"}, map[string]string{"MY_ORG": wordOrganization})
	require.Equal(t, []string{"CSOAUTH_ACCESS_TOKEN=t"}, got)
}

func TestNamesOfVariables(t *testing.T) {
	for name, want := range map[string]bool{"A": true, "_a9": true, "a_B": true, "": false, "9a": false, "a-b": false, "a b": false, "ä": false, "A=": false} {
		require.Equal(t, want, isVariable(name), name)
	}
}

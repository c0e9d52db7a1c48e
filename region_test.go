package csoauth_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// publishedRegions is Contentstack's own map, https://artifacts.contentstack.com/regions.json.
func publishedRegions(t testing.TB) (regions []struct {
	ID        string
	Alias     []string
	Endpoints map[string]string
}) {
	data, err := os.ReadFile("testdata/regions.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &struct{ Regions any }{&regions}))
	return regions
}

func TestRegionsAreThePublishedOnes(t *testing.T) {
	published := publishedRegions(t)
	require.Len(t, published, len(csoauth.Regions()))
	for i, want := range published {
		t.Run(want.ID, func(t *testing.T) {
			r := csoauth.Regions()[i]
			require.Equal(t, want.ID, r.String())
			e := r.Endpoints()
			require.Equal(t, want.Endpoints["application"]+"/apps-api/apps/token", e.Token)
			for service, got := range map[string]string{
				"application": e.App, "developerHub": e.DeveloperHub, "contentManagement": e.ContentManagement,
				"auth": e.Auth, "launch": e.Launch, "brandKit": e.BrandKit,
				"personalizeManagement": e.PersonalizeManagement, "composableStudio": e.ComposableStudio,
			} {
				require.NotEmpty(t, got, service)
				require.Equal(t, want.Endpoints[service], got, service)
			}
		})
	}
	require.Zero(t, csoauth.Region(7).Endpoints())
}

func TestParseRegionReadsEveryAlias(t *testing.T) {
	for i, region := range publishedRegions(t) {
		for _, alias := range append(region.Alias, region.ID, strings.ToUpper(region.ID)) {
			r, err := csoauth.ParseRegion(alias)
			require.NoError(t, err, alias)
			require.Equal(t, csoauth.Regions()[i], r, alias)
		}
	}
}

func TestParseRegionReadsCallbackSpellings(t *testing.T) {
	for spelling, want := range map[string]csoauth.Region{
		"NA": csoauth.NA, "us": csoauth.NA, "US": csoauth.NA, "AWS-NA": csoauth.NA, "aws_us": csoauth.NA,
		"EU": csoauth.EU, "AWS_EU": csoauth.EU, "AU": csoauth.AU, "AWS_AU": csoauth.AU,
		"AZURE_NA": csoauth.AzureNA, "azure-na": csoauth.AzureNA, "azure_eu": csoauth.AzureEU,
		"GCP_NA": csoauth.GCPNA, "Gcp-Eu": csoauth.GCPEU,
	} {
		r, err := csoauth.ParseRegion(spelling)
		require.NoError(t, err, spelling)
		require.Equal(t, want, r, spelling)
	}
}

func TestParseRegionRefusesEverythingElse(t *testing.T) {
	for _, s := range []string{"", " ", "na ", "usa", "aws", "aws-", "aws-azure-na", "azure", "gcp", "app.contentstack.com", "eu.evil.example", "N\x00A", strings.Repeat("x", 500)} {
		_, err := csoauth.ParseRegion(s)
		require.ErrorContains(t, err, "csoauth: unknown region ", "%q", s)
		require.ErrorContains(t, err, "want one of na, eu, au, azure-na", "%q", s)
		require.Less(t, len(err.Error()), 300)
	}
}

func TestUnexpectedValueIsShownShort(t *testing.T) {
	for value, want := range map[string]string{
		strings.Repeat("x", 64):         `"` + strings.Repeat("x", 64) + `": want`,
		strings.Repeat("x", 64) + "y":   `"` + strings.Repeat("x", 64) + `"…: want`,
		strings.Repeat("x", 63) + "éyz": `"` + strings.Repeat("x", 63) + `"…: want`, // no half of a character
		"\x1b[31m":                      `"\x1b[31m": want`,
	} {
		_, err := csoauth.ParseRegion(value)
		require.ErrorContains(t, err, "unknown region "+want)
	}
}

func TestRegionMarshalsAsItsID(t *testing.T) {
	data, err := json.Marshal(csoauth.Regions())
	require.NoError(t, err)
	require.JSONEq(t, `["na","eu","au","azure-na","azure-eu","gcp-na","gcp-eu"]`, string(data))
	var back []csoauth.Region
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, csoauth.Regions(), back)

	_, err = json.Marshal(csoauth.Region(7))
	require.ErrorContains(t, err, "Region(7) is not a region")
	require.ErrorContains(t, json.Unmarshal([]byte(`["mars"]`), &back), `unknown region "mars"`)
}

func FuzzParseRegion(f *testing.F) {
	for _, s := range []string{"na", "US", "AWS_EU", "azure-na", "Region(7)", "aws-us", "aws-aws-na", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := csoauth.ParseRegion(s)
		if err != nil {
			return
		}
		again, err := csoauth.ParseRegion(r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
		require.NotEmpty(t, r.Endpoints().App)
	})
}

package csoauth

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
)

// A Region is one of Contentstack's seven regions. Each keeps its own users, stacks and tokens: a code that one
// issued is worth nothing in another. The zero Region is [NA].
type Region uint8

const (
	NA      Region = iota // AWS North America
	EU                    // AWS Europe
	AU                    // AWS Australia
	AzureNA               // Azure North America
	AzureEU               // Azure Europe
	GCPNA                 // Google Cloud North America
	GCPEU                 // Google Cloud Europe
)

// regionIDs are the ids of Contentstack's published region map; each is also the prefix of the region's hosts.
var regionIDs = [...]string{"na", "eu", "au", "azure-na", "azure-eu", "gcp-na", "gcp-eu"}

// Regions returns all regions, NA first.
func Regions() []Region { return []Region{NA, EU, AU, AzureNA, AzureEU, GCPNA, GCPEU} }

// ParseRegion reads a region by its published id or one of its aliases, in any case and with - or _ between the
// words: "eu", "EU", "aws-eu", "AZURE_NA", "us". This covers the location and region of a callback and of a token.
func ParseRegion(s string) (Region, error) {
	id := strings.ReplaceAll(strings.ToLower(s), "_", "-")
	if aws, ok := strings.CutPrefix(id, "aws-"); ok && !strings.Contains(aws, "-") {
		id = aws
	}
	if id == "us" {
		return NA, nil
	}
	for i, known := range regionIDs {
		if id == known {
			return Region(i), nil
		}
	}
	return NA, fmt.Errorf("csoauth: unknown region %s: want one of %s, or an alias such as us or AWS_EU",
		quote(s), strings.Join(regionIDs[:], ", "))
}

// String returns the published id, such as "na" or "azure-eu".
func (r Region) String() string {
	if int(r) < len(regionIDs) {
		return regionIDs[r]
	}
	return fmt.Sprintf("Region(%d)", uint8(r))
}

// MarshalText returns the published id.
func (r Region) MarshalText() ([]byte, error) {
	if int(r) >= len(regionIDs) {
		return nil, fmt.Errorf("csoauth: %v is no region", r)
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads what [ParseRegion] reads.
func (r *Region) UnmarshalText(text []byte) error {
	parsed, err := ParseRegion(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}

// Endpoints are the base URLs of one region's services, without a trailing slash. Those of a region are
// [Region.Endpoints]; a Config for another place, such as a test server, sets the ones it needs.
type Endpoints struct {
	// App is where users log in and consent, such as https://app.contentstack.com. Required.
	App string
	// Token is the token endpoint. Empty: App + "/apps-api/apps/token".
	Token string

	DeveloperHub          string
	ContentManagement     string
	ContentDelivery       string
	Auth                  string
	GraphQLDelivery       string
	Preview               string
	GraphQLPreview        string
	Images                string
	Assets                string
	Automate              string
	Launch                string
	BrandKit              string
	GenAI                 string
	PersonalizeManagement string
	PersonalizeEdge       string
	ComposableStudio      string
	AssetManagement       string // published for NA only
}

// tokenPath is where Contentstack's PKCE page posts both grants:
// https://www.contentstack.com/docs/developer-hub/pkce-for-contentstack-oauth
const tokenPath = "/apps-api/apps/token"

// tokenURL is where both grants are posted.
func (e Endpoints) tokenURL() string {
	if e.Token != "" {
		return e.Token
	}
	return strings.TrimSuffix(e.App, "/") + tokenPath
}

// Endpoints returns the region's hosts as Contentstack publishes them in
// https://artifacts.contentstack.com/regions.json. They are zero for a value that is no region.
func (r Region) Endpoints() Endpoints {
	if int(r) < len(published) {
		return published[r]
	}
	return Endpoints{}
}

// published holds every region's hosts. All follow one rule, https://{prefix}{service}.contentstack.com with the
// region's id as prefix and none for NA; the exceptions are NA's content hosts, two Automate hosts, and Asset
// Management, which NA alone has.
var published = func() (rows [len(regionIDs)]Endpoints) {
	for _, r := range Regions() {
		prefix, contentDomain := r.String()+"-", ".contentstack.com"
		if r == NA {
			prefix, contentDomain = "", ".contentstack.io"
		}
		host := func(service string) string { return "https://" + prefix + service + ".contentstack.com" }
		content := func(service string) string { return "https://" + prefix + service + contentDomain }

		rows[r] = Endpoints{
			App:                   host("app"),
			Token:                 host("app") + tokenPath,
			DeveloperHub:          host("developerhub-api"),
			ContentManagement:     content("api"),
			ContentDelivery:       content("cdn"),
			Auth:                  host("auth-api"),
			GraphQLDelivery:       host("graphql"),
			Preview:               host("rest-preview"),
			GraphQLPreview:        host("graphql-preview"),
			Images:                content("images"),
			Assets:                content("assets"),
			Automate:              host("automations-api"),
			Launch:                host("launch-api"),
			BrandKit:              host("brand-kits-api"),
			GenAI:                 host("ai") + "/brand-kits",
			PersonalizeManagement: host("personalize-api"),
			PersonalizeEdge:       host("personalize-edge"),
			ComposableStudio:      host("composable-studio-api"),
		}
		switch r {
		case NA:
			rows[r].AssetManagement = host("am-api")
		case EU, AU:
			rows[r].Automate = host("prod-automations-api")
		}
	}
	return rows
}()

// all yields each endpoint with the name of its field.
func (e Endpoints) all() iter.Seq2[string, string] {
	return func(yield func(name, endpoint string) bool) {
		fields := reflect.ValueOf(e)
		for i := range fields.NumField() {
			if !yield(fields.Type().Field(i).Name, fields.Field(i).String()) {
				return
			}
		}
	}
}

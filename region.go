package csoauth

import (
	"bytes"
	"fmt"
	"strings"
)

// A Region is one of Contentstack's seven regions. Each has its own users, stacks and tokens. A
// code works only in the region that issued it. The zero Region is [NA].
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

// regionIDs are the ids of Contentstack's published region map; each is also the prefix of the
// region's hosts.
var regionIDs = [...]string{"na", "eu", "au", "azure-na", "azure-eu", "gcp-na", "gcp-eu"}

// Regions returns all regions, NA first.
func Regions() []Region { return []Region{NA, EU, AU, AzureNA, AzureEU, GCPNA, GCPEU} }

// ParseRegion returns the region with this published id or alias. It ignores case and takes - or _
// between words: "eu", "EU", "aws-eu", "AZURE_NA", "us". It reads the location and the region of a
// callback and of a token.
func ParseRegion(s string) (Region, error) {
	if r, known := parseRegion(s); known {
		return r, nil
	}
	return NA, fmt.Errorf("csoauth: unknown region %s: want one of %s, or an alias such as us or AWS_EU",
		quote(s), strings.Join(regionIDs[:], ", "))
}

// parseRegion allocates nothing: it reads the location of a token for every request that has it.
func parseRegion(s string) (Region, bool) {
	if len(s) > maxRegionName {
		return NA, false
	}
	var lower [maxRegionName]byte
	for i := range len(s) {
		switch c := s[i]; {
		case c == '_':
			lower[i] = '-'
		case 'A' <= c && c <= 'Z':
			lower[i] = c + 'a' - 'A'
		default:
			lower[i] = c
		}
	}
	id := lower[:len(s)]
	if aws, ok := bytes.CutPrefix(id, []byte("aws-")); ok && !bytes.Contains(aws, []byte("-")) {
		id = aws
	}
	if string(id) == "us" {
		return NA, true
	}
	for i, known := range regionIDs {
		if string(id) == known {
			return Region(i), true
		}
	}
	return NA, false
}

const maxRegionName = 16 // bytes; no spelling is longer

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
		return nil, fmt.Errorf("csoauth: %v is not a region", r)
	}
	return []byte(r.String()), nil
}

// UnmarshalText accepts the same names as [ParseRegion].
func (r *Region) UnmarshalText(text []byte) error {
	parsed, err := ParseRegion(string(text))
	if err == nil {
		*r = parsed
	}
	return err
}

package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

// serviceName returns the name of a service as it is typed, such as "content-management".
func serviceName(s csapi.Service) string {
	var b strings.Builder
	for i, r := range s.String() {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func serviceNames() (names []string) {
	for _, s := range csapi.Services() {
		names = append(names, serviceName(s))
	}
	return names
}

func parseService(name string) (csapi.Service, error) {
	for _, s := range csapi.Services() {
		if serviceName(s) == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("--service %q: want one of %s", name, strings.Join(serviceNames(), ", "))
}

// baseURLs returns the base URL of each service that a token's region has.
func baseURLs(c *csoauth.Config, t *csoauth.Token) (map[csapi.Service]string, error) {
	endpoints, err := c.EndpointsFor(t)
	if err != nil {
		return nil, err
	}
	urls := map[csapi.Service]string{}
	for _, s := range csapi.Services() {
		if base := s.BaseURL(endpoints); base != "" {
			urls[s] = strings.TrimSuffix(base, "/")
		}
	}
	return urls, nil
}

package csapi

import (
	"strconv"

	"github.com/contentstack/csoauth"
)

// A Service is one of Contentstack's APIs. Each region has a host for it.
type Service int

const (
	ContentManagement     Service = iota // such as https://api.contentstack.io: /v3/user, /v3/stacks, /v3/content_types
	DeveloperHub                         // such as https://developerhub-api.contentstack.com: apps and their authorizations
	Launch                               // such as https://launch-api.contentstack.com
	BrandKit                             // such as https://brand-kits-api.contentstack.com
	PersonalizeManagement                // such as https://personalize-api.contentstack.com
	ComposableStudio                     // such as https://composable-studio-api.contentstack.com
	Auth                                 // such as https://auth-api.contentstack.com: SCIM
	App                                  // such as https://app.contentstack.com: the web application, with the Developer Hub under /apps-api
)

var serviceNames = [...]string{
	"ContentManagement", "DeveloperHub", "Launch", "BrandKit", "PersonalizeManagement", "ComposableStudio", "Auth", "App",
}

// Services returns all services, ContentManagement first.
func Services() []Service {
	all := make([]Service, len(serviceNames))
	for i := range all {
		all[i] = Service(i)
	}
	return all
}

// String returns the name of the constant.
func (s Service) String() string {
	if s < 0 || int(s) >= len(serviceNames) {
		return "Service(" + strconv.Itoa(int(s)) + ")"
	}
	return serviceNames[s]
}

// BaseURL returns the base URL of the service from e, such as the result of
// [csoauth.Config.EndpointsFor]. It returns "" if e has none. For the base URL of a login, use
// [Client.BaseURL].
func (s Service) BaseURL(e csoauth.Endpoints) string {
	switch s {
	case ContentManagement:
		return e.ContentManagement
	case DeveloperHub:
		return e.DeveloperHub
	case Launch:
		return e.Launch
	case BrandKit:
		return e.BrandKit
	case PersonalizeManagement:
		return e.PersonalizeManagement
	case ComposableStudio:
		return e.ComposableStudio
	case Auth:
		return e.Auth
	case App:
		return e.App
	}
	return ""
}

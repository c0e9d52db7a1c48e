package clilogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/tokens"
)

// A Profile has the stored information about a login. Reading it needs no key. If there is no
// login, only Name and Dir are set. UserName, Email and OrganizationName are empty if the app's
// scopes do not include them.
type Profile struct {
	Name     string
	Dir      string // its directory
	LoggedIn bool   // whether there is a login; it may no longer work
	// Err says why the profile cannot be read.
	Err error

	UserUID, UserName, Email          string
	OrganizationUID, OrganizationName string
	AppUID, ClientID                  string
	Region                            csoauth.Region // the region of the token
	Server                            string         // who issued it, such as "https://app.contentstack.com"
	Scopes                            []string       // the scopes that the login asked for; nil: those of the app
	Made                              time.Time      // when the user logged in
	Host                              string         // where
	KeyPlace                          string         // "keyring" or "file"
}

// profileOf returns the Profile in a directory with that state, which may be nil.
func profileOf(path string, s *state) Profile {
	p := Profile{Name: filepath.Base(path), Dir: path}
	if s == nil {
		return p
	}
	p.LoggedIn = true
	p.UserUID, p.UserName, p.Email = s.User.UID, s.User.Name, s.User.Email
	p.OrganizationUID, p.OrganizationName = s.Organization.UID, s.Organization.Name
	p.AppUID, p.ClientID = s.AppUID, s.ClientID
	p.Region, _ = csoauth.ParseRegion(cmp.Or(s.Location, s.Region))
	p.Server, p.Scopes, p.Made, p.Host, p.KeyPlace = s.Server, s.Scopes, s.Made, s.Host, s.Key.Place
	return p
}

// Profile returns the stored information about the login. It needs neither a key nor Contentstack.
func (s *Session) Profile(ctx context.Context) Profile {
	now, _ := s.profile.state(ctx)
	return profileOf(s.profile.path, now)
}

// Profiles returns the profiles of the Program and its former names, or those in Options.Dir,
// sorted by name. It needs neither a key nor Contentstack. If a profile cannot be read, its Err
// says why.
func Profiles(ctx context.Context, o *Options) ([]Profile, error) {
	full, err := o.fill()
	if err != nil {
		return nil, fmt.Errorf("clilogin: %w", err)
	}
	dirs, err := full.dirs()
	if err != nil {
		return nil, fmt.Errorf("clilogin: %w", err)
	}
	var all []Profile
	for _, dir := range dirs {
		in, err := profilesIn(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("clilogin: %w", err)
		}
		all = append(all, in...)
	}
	slices.SortStableFunc(all, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// profilesIn returns the profiles in a directory, which need not exist.
func profilesIn(ctx context.Context, dir string) ([]Profile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Profile
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() || checkName(entry.Name(), maxName, "") != nil {
			continue
		}
		s, err := readState(ctx, tokens.Dir(path))
		p := profileOf(path, s)
		if !errors.Is(err, tokens.ErrNotFound) {
			p.Err = err
		}
		all = append(all, p)
	}
	return all, ctx.Err()
}

// Siblings returns the other profiles whose logins end when this one logs out. They are the
// profiles in the same directory that have the same user, app and organization. For Contentstack,
// these logins are one grant.
func (s *Session) Siblings(ctx context.Context) ([]Profile, error) {
	all, err := s.siblings(ctx)
	if err != nil {
		return nil, fmt.Errorf("clilogin: %w", err)
	}
	return all, nil
}

func (s *Session) siblings(ctx context.Context) ([]Profile, error) {
	own := s.Profile(ctx)
	all, err := profilesIn(ctx, filepath.Dir(s.profile.path))
	return slices.DeleteFunc(all, func(p Profile) bool {
		isGrant := p.UserUID != "" && p.UserUID == own.UserUID && p.OrganizationUID == own.OrganizationUID && p.AppUID == own.AppUID && p.Server == own.Server
		return p.Dir == own.Dir || p.Err != nil || !isGrant
	}), err
}

// forgetSibling removes a login that was revoked with this one, unless there is another by now, or
// a program that logs in. What stays is over, and says so when it is used.
func (s *Session) forgetSibling(ctx context.Context, p Profile) {
	leave, ok, err := turn.New(p.Dir, lockName).Try(s.o.holder())
	if !ok || err != nil {
		return
	}
	defer leave()
	other := &profile{path: p.Dir, dir: tokens.Dir(p.Dir), name: p.Name, out: s.profile.out}
	if now, err := readState(ctx, other.dir); err == nil && now.Made.Equal(p.Made) && now.User.UID == p.UserUID {
		_ = other.forget(ctx)
	}
}

package dirfile

import (
	"fmt"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// resolve returns the accounts of a file, with SIDs in place of names and aliases. A name in memberOf is a group of
// the file (in any case), else a SID or an alias, else an error. The last of several groups with one name counts.
// Errors about an account are a *directory.AccountError.
func (f *file) resolve() (*directory.Accounts, error) {
	a := &directory.Accounts{Groups: make([]directory.Group, len(f.Groups)), Users: make([]directory.User, len(f.Users))}
	if f.Domain != "" {
		var err error
		if a.Domain, err = sid.Resolve(f.Domain, sid.SID{}); err != nil {
			return nil, fmt.Errorf("domain: %w", err)
		}
	}
	if f.Computer != "" {
		var err error
		if a.Computer, err = sid.Resolve(f.Computer, sid.SID{}); err != nil {
			return nil, fmt.Errorf("computer: %w", err)
		}
	}
	if f.Logon != "" {
		var ok bool
		if a.Logon, ok = logon.ParseKind(f.Logon); !ok {
			return nil, fmt.Errorf("logon: %q: want kerberos, ntlm, interactive or service", f.Logon)
		}
	}
	named := make(map[string]sid.SID, len(f.Groups))
	for i := range f.Groups {
		g := &f.Groups[i]
		s, err := sid.Resolve(g.SID, a.Domain)
		if err != nil {
			return nil, &directory.AccountError{Group: true, Index: i, Name: g.Name, Err: fmt.Errorf("sid: %w", err)}
		}
		a.Groups[i] = directory.Group{Name: g.Name, SID: s, GID: g.GID}
		named[directory.Fold(g.Name)] = s
	}
	// A name is a group of the file before it is a SID or an alias.
	groupOf := func(name string) (sid.SID, bool) {
		if s, ok := named[directory.Fold(name)]; ok {
			return s, true
		}
		s, err := sid.Resolve(name, a.Domain)
		return s, err == nil
	}
	for i := range f.Groups {
		var err error
		if a.Groups[i].MemberOf, err = resolveAll(f.Groups[i].MemberOf, groupOf); err != nil {
			return nil, &directory.AccountError{Group: true, Index: i, Name: f.Groups[i].Name, Err: err}
		}
	}
	for i := range f.Users {
		u := &f.Users[i]
		if err := u.resolve(&a.Users[i], a.Domain, groupOf); err != nil {
			return nil, &directory.AccountError{Index: i, Name: u.Name, Err: err}
		}
	}
	return a, nil
}

// resolve stores a user's values in to. groupOf returns the SID of a group with a given name. An unknown group is an
// error. On an error to is incomplete.
func (u *user) resolve(to *directory.User, domain sid.SID, groupOf func(string) (sid.SID, bool)) (err error) {
	*to = directory.User{Name: u.Name, UID: u.UID, GID: u.GID, Disabled: u.Disabled}
	if to.SID, err = sid.Resolve(u.SID, domain); err != nil {
		return fmt.Errorf("sid: %w", err)
	}
	if to.MemberOf, err = resolveAll(u.MemberOf, groupOf); err != nil {
		return err
	}
	if u.Primary != "" {
		var ok bool
		if to.Primary, ok = groupOf(u.Primary); !ok {
			return fmt.Errorf("primaryGroup: %q is neither a group of this file nor a SID", u.Primary)
		}
	}
	if to.Claims, err = parseClaims(u.Claims); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	return nil
}

// resolveAll returns the SIDs of the names in a memberOf list, in order, or nil for an empty list. A name that
// groupOf does not know is an error.
func resolveAll(names []string, groupOf func(string) (sid.SID, bool)) ([]sid.SID, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out := make([]sid.SID, len(names))
	for i, name := range names {
		var ok bool
		if out[i], ok = groupOf(name); !ok {
			return nil, fmt.Errorf("memberOf: %q is neither a group of this file nor a SID", name)
		}
	}
	return out, nil
}

// parseClaims parses the claims of a user from the JSON list of a token file; nil returns nil. A malformed claim is
// an error.
func parseClaims(list []byte) (*claims.Set, error) {
	if list == nil {
		return nil, nil
	}
	t, err := token.Parse([]byte(`{"user":"S-1-0-0","userClaims":` + string(list) + `}`))
	if err != nil {
		return nil, err
	}
	return t.UserClaims(), nil
}

// lineOf returns the line in the file of the account that e is about, from 1.
func (f *file) lineOf(e *directory.AccountError) int {
	if e.Group {
		return f.line(f.Groups[e.Index].at)
	}
	return f.line(f.Users[e.Index].at)
}

package token

import (
	"fmt"
	"strconv"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// resolve completes the spec once the whole file is read: it converts the texts to SIDs, claims and a DACL, and
// applies the defaults.
func (r *fileReader) resolve() error {
	s := &r.spec
	if r.user.sid.at == 0 {
		return strict.Within("user", r.Fail("missing, a token needs the SID of its user"))
	}
	// Resolve the user first. Without an explicit domain, its domain is the one for aliases such as DA in all other
	// fields.
	domain, err := r.findDomain()
	if err != nil {
		return err
	}
	user, err := r.resolveGroups("user", []rawGroup{r.user}, domain)
	if err != nil {
		return err
	}
	s.User = user[0]
	for _, l := range []struct {
		name string
		raw  []rawGroup
		out  *[]Group
	}{{"groups", r.groups, &s.Groups}, {"restrictedSids", r.restricted, &s.Restricted},
		{"deviceGroups", r.device, &s.DeviceGroups},
		{"restrictedDeviceGroups", r.restrictedDevice, &s.RestrictedDeviceGroups},
		{"appContainer.capabilities", r.caps, &s.Capabilities}} {
		if *l.out, err = r.resolveGroups(l.name, l.raw, domain); err != nil {
			return err
		}
	}
	// An empty list of attributes means a disabled group. Without the list the
	// reader has set those of an ordinary group (T-144).
	s.Groups = AsGiven(s.Groups)
	for _, l := range []struct {
		from loc
		to   *sid.SID
	}{{r.owner, &s.Owner}, {r.primary, &s.PrimaryGroup}, {r.trust, &s.TrustLevel}, {r.pkg, &s.Package}} {
		if l.from.path == "" {
			continue
		}
		if *l.to, err = resolveSID(l.from, domain); err != nil {
			return err
		}
	}
	if err := r.settle(); err != nil {
		return err
	}
	if err := r.resolveClaims(domain); err != nil {
		return err
	}
	return r.resolveDACL(domain)
}

// findDomain returns the domain to which the file's aliases such as DU are relative: the field domain, else the
// domain of the user, else the zero SID.
func (r *fileReader) findDomain() (sid.SID, error) {
	if r.domain.path != "" {
		return resolveSID(r.domain, sid.SID{})
	}
	user, err := sid.Resolve(r.user.sid.text, sid.SID{})
	if err == nil && user.Authority() == 5 && user.SubAuthorities() >= 2 && user.Sub(0) == 21 {
		return user.Prefix(), nil
	}
	return sid.SID{}, nil
}

// resolveSID resolves a SID, an alias, or an alias relative to domain. The error has the position in the file.
func resolveSID(text loc, domain sid.SID) (sid.SID, error) {
	s, err := sid.Resolve(text.text, domain)
	if err != nil {
		return s, &strict.Error{Path: text.path, Offset: text.at, Problem: err.Error(), Err: err}
	}
	return s, nil
}

// resolveGroups converts a parsed list of groups: it resolves their SIDs. field is the name in errors. A nil list
// gives nil, an empty one an empty result.
func (r *fileReader) resolveGroups(field string, parsed []rawGroup, domain sid.SID) ([]Group, error) {
	if parsed == nil {
		return nil, nil
	}
	out := make([]Group, len(parsed))
	for i, g := range parsed {
		s, err := resolveSID(g.sid, domain)
		if err != nil {
			if field == "user" {
				return nil, strict.Within(field, err)
			}
			return nil, strict.Within(field, strict.Within("["+strconv.Itoa(i)+"]", err))
		}
		out[i] = Group{s, g.attrs}
	}
	return out, nil
}

// settle sets the type, level, integrity and mandatory policy of the spec, or their defaults. It fails for an
// integrity level that is neither a known name nor S-1-16-x.
func (r *fileReader) settle() error {
	s := &r.spec
	if !r.hasType {
		s.Type = winnt.TokenPrimary
	}
	// An impersonation token without a level would be at Anonymous, which can do
	// nothing: a file that names the type means one that acts.
	if !r.hasLevel && s.Type == winnt.TokenImpersonation {
		s.Level = winnt.SecurityImpersonation
	}
	if !r.hasPolicy {
		s.MandatoryPolicy = bothPolicies
	}
	switch {
	case r.level.text == noIntegrity:
	case r.level.path != "":
		level, ok := ParseIntegrityLevel(r.level.text)
		if !ok {
			return &strict.Error{Path: r.level.path, Offset: r.level.at,
				Problem: fmt.Sprintf("unknown level %q, want one of %s, S-1-16-x or %s", r.level.text,
					choices(integrityLevels), noIntegrity)}
		}
		s.Integrity = level
	// Without the field an integrity entry among the groups sets the level. Without both the token is at Medium, as
	// for a user's logon (T-4).
	default:
		for _, g := range s.Groups {
			if g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
				return nil
			}
		}
		s.Integrity = sid.MediumLevel
	}
	return nil
}

// noIntegrity is the integrityLevel of a token without an integrity entry, which counts as Untrusted. It must be
// written explicitly, because a missing field means Medium.
const noIntegrity = "None"

// resolveDACL sets the default DACL of the spec from its SDDL text. Without one, it grants everything to the user and
// SYSTEM, and to the package of an AppContainer. A text without a DACL, or with another part, is an error.
func (r *fileReader) resolveDACL(domain sid.SID) error {
	s := &r.spec
	if r.dacl.path == "" {
		who := []sid.SID{s.User.SID, sid.LocalSystem}
		if !s.Package.IsZero() {
			// The usual list of an AppContainer's token admits the package (T-131).
			who = append(who, s.Package)
		}
		var err error
		s.DefaultDACL, err = fullAccess(who...)
		return err
	}
	d, err := sddl.Parse(r.dacl.text, sddl.Options{Domain: domain, Extended: true})
	if err != nil {
		return &strict.Error{Path: r.dacl.path, Offset: r.dacl.at, Problem: err.Error(), Err: err}
	}
	// Other parts would be lost without a word.
	if d.Control()&sd.DACLPresent == 0 || d.SACL() != nil || !d.Owner().IsZero() || !d.Group().IsZero() {
		return &strict.Error{Path: r.dacl.path, Offset: r.dacl.at,
			Problem: "want a DACL and nothing else, such as D:(A;;GA;;;SY)"}
	}
	s.DefaultDACL = d.DACL()
	return nil
}

// fullAccess returns a DACL that grants GENERIC_ALL to each SID. The zero SID is an error.
func fullAccess(sids ...sid.SID) (*sd.ACL, error) {
	var aces []sd.ACE
	for _, s := range sids {
		a, err := sd.NewACE(sd.AccessAllowed, 0, winnt.GENERIC_ALL, s)
		if err != nil {
			return nil, err
		}
		aces = append(aces, a)
	}
	return sd.NewACL(aces...)
}

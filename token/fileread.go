package token

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// MaxFile is the largest token file, in bytes.
const MaxFile = 4 << 20

// Fields of the token file. The first row is what everybody uses; the second
// is for tokens that came out of an operation on another.
var (
	fileFields = []string{
		"user", "groups", "privileges", "type", "impersonationLevel", "integrityLevel", "mandatoryPolicy", "owner", "primaryGroup", "defaultDacl", "restrictedSids", "writeRestricted",
		"appContainer", "userClaims", "deviceClaims", "deviceGroups", "authenticationId", "sessionId", "source", "domain",
		"restricted", "sandboxInert", "restrictedDeviceGroups", "localAttributes", "elevationType", "trustLevel",
		"parentTokenId", "modifiedId", "originatingLogon", "sourceId", "expirationTime", "flags", "dynamicCharged"}
	containerFields = []string{"packageSid", "capabilities", "lowPrivilege", "number"}
	groupFields     = []string{"sid", "attributes"}
	privilegeFields = []string{"name", "attributes"}
	claimFields     = []string{"name", "type", "values", "flags"}
)

// loc is a text of the file, kept until the domain is known, or a place.
type loc struct {
	text string
	path string
	at   int
}

type rawGroup struct {
	sid   loc
	attrs uint32
	bare  bool
}

type rawClaim struct {
	claims.Attribute
	sids []loc
}

// fileReader holds what was read before SIDs can be resolved: aliases such as
// DU need the domain, which may stand last.
type fileReader struct {
	scanner
	spec Spec

	domain, owner, primary, dacl, level, trust, pkg    loc
	user                                               rawGroup
	groups, restricted, device, restrictedDevice, caps []rawGroup
	userClaims, deviceClaims, local                    []rawClaim
	hasLevel, hasPolicy, hasType                       bool
}

// Parse reads a token file. Only user is required. By default the token is
// primary, or at level Impersonation where the type is; integrity Medium; policy
// NoWriteUp and NewProcessMin; owner the user; primary group the first group, or
// else the user; default DACL full access for the user and SYSTEM; and there are
// no groups, privileges, claims or restrictions. A group given as a bare SID is
// Mandatory, EnabledByDefault and Enabled; a privilege given as a bare name is
// Enabled. Aliases such as DU are relative to domain, or to the user's.
//
// The error is a [*FileError] that names the field, unknown ones included; it
// may wrap what New reports. Limits: MaxFile, MaxGroups.
func Parse(file []byte) (*Token, error) {
	if len(file) > MaxFile {
		return nil, &FileError{Offset: MaxFile, Problem: fmt.Sprintf("longer than %d bytes", MaxFile)}
	}
	r := fileReader{scanner: scanner{b: file}}
	if err := r.object(fileFields, r.field); err != nil {
		return nil, err
	}
	if r.peek() != 0 || r.p < len(r.b) {
		return nil, r.fail("something follows the object")
	}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	t, err := New(r.spec)
	if err != nil {
		return nil, r.refused(err)
	}
	return t, nil
}

// refused says where the file has what New refuses.
func (r *fileReader) refused(err error) error {
	var se *SpecError
	if !errors.As(err, &se) {
		return &FileError{Problem: err.Error(), Err: err}
	}
	out := &FileError{Path: se.Field, Problem: se.Problem + ": " + se.Status.String(), Err: err}
	for _, l := range []loc{r.owner, r.primary, r.level, r.trust, r.pkg} {
		if l.path == se.Field {
			out.Offset = l.at
		}
	}
	return out
}

// field reads the value of one field.
func (r *fileReader) field(i int) (err error) {
	s := &r.spec
	switch name := fileFields[i]; name {
	case "user":
		err = r.group(&r.user, 0)
	case "groups":
		err = r.groupList(&r.groups)
	case "restrictedSids":
		err = r.groupList(&r.restricted)
	case "deviceGroups":
		err = r.groupList(&r.device)
	case "restrictedDeviceGroups":
		err = r.groupList(&r.restrictedDevice)
	case "privileges":
		err = r.array(64, r.privilege)
	case "domain":
		err = r.loc(name, &r.domain)
	case "owner":
		err = r.loc(name, &r.owner)
	case "primaryGroup":
		err = r.loc(name, &r.primary)
	case "defaultDacl":
		err = r.loc(name, &r.dacl)
	case "integrityLevel":
		err = r.loc(name, &r.level)
	case "trustLevel":
		err = r.loc(name, &r.trust)
	case "appContainer":
		if err = r.object(containerFields, r.container); err == nil && r.pkg.path == "" {
			err = within("packageSid", r.fail("missing"))
		}
	case "userClaims":
		err = r.claimList(&r.userClaims)
	case "deviceClaims":
		err = r.claimList(&r.deviceClaims)
	case "localAttributes":
		err = r.claimList(&r.local)
	case "writeRestricted":
		s.WriteRestricted, err = r.boolean()
	case "restricted":
		s.IsRestricted, err = r.boolean()
	case "sandboxInert":
		s.SandboxInert, err = r.boolean()
	default:
		err = r.scalar(name)
	}
	return err
}

func (r *fileReader) scalar(name string) (err error) {
	s := &r.spec
	var v uint64
	var w uint32
	switch name {
	case "type":
		w, err = r.oneOf(tokenTypes)
		s.Type, r.hasType = winnt.TokenType(w), true
	case "impersonationLevel":
		w, err = r.oneOf(levels)
		s.Level, r.hasLevel = winnt.SecurityImpersonationLevel(w), true
	case "mandatoryPolicy":
		s.MandatoryPolicy, err = r.words(policies)
		r.hasPolicy = true
	case "elevationType":
		s.ElevationType, err = r.oneOf(elevations)
	case "flags":
		s.Flags, err = r.words(fileFlags)
	case "authenticationId":
		v, err = r.unsigned(64)
		s.AuthenticationID = winnt.LUID(v)
	case "parentTokenId":
		v, err = r.unsigned(64)
		s.ParentTokenID = winnt.LUID(v)
	case "modifiedId":
		v, err = r.unsigned(64)
		s.ModifiedID = winnt.LUID(v)
	case "originatingLogon":
		v, err = r.unsigned(64)
		s.OriginatingLogon = winnt.LUID(v)
	case "sourceId":
		v, err = r.unsigned(64)
		s.Source.ID = winnt.LUID(v)
	case "source":
		s.Source.Name, err = r.text()
	case "sessionId":
		v, err = r.unsigned(32)
		s.SessionID = uint32(v)
	case "dynamicCharged":
		v, err = r.unsigned(32)
		s.DynamicCharged = uint32(v)
	case "expirationTime":
		s.ExpirationTime, err = r.signed()
	}
	return err
}

func (r *fileReader) loc(name string, l *loc) (err error) {
	r.peek()
	l.path, l.at = name, r.p
	l.text, err = r.text()
	return err
}

func (r *fileReader) signed() (int64, error) {
	s, err := r.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, r.fail("%s: want a number of 64 bits", s)
	}
	return v, nil
}

// oneOf reads one word of a table.
func (r *fileReader) oneOf(table []named) (uint32, error) {
	r.peek()
	at := r.p
	s, err := r.text()
	if err != nil {
		return 0, err
	}
	v, ok := lookup(table, s)
	if !ok {
		r.p = at
		return 0, r.fail("unknown name %q, want one of %s", s, choices(table))
	}
	return v, nil
}

// words reads an array of words of a table.
func (r *fileReader) words(table []named) (bits uint32, err error) {
	err = r.array(32, func(int) error {
		v, err := r.oneOf(table)
		bits |= v
		return err
	})
	return bits, err
}

// group reads "S-1-…", or {"sid":…,"attributes":[…]}. attributes left out are
// those of a bare SID.
func (r *fileReader) group(g *rawGroup, bare uint32) error {
	g.attrs, g.bare = bare, true
	if r.peek() == '"' {
		return r.loc("", &g.sid)
	}
	if r.peek() != '{' {
		return r.fail("want a SID, or an object with sid and attributes")
	}
	start := r.p
	err := r.object(groupFields, func(i int) (err error) {
		if i == 0 {
			return r.loc("sid", &g.sid)
		}
		g.bare = false
		g.attrs, err = r.words(groupAttributes)
		return err
	})
	if err == nil && g.sid.at == 0 {
		r.p = start
		err = within("sid", r.fail("missing"))
	}
	return err
}

func (r *fileReader) groupList(out *[]rawGroup) error {
	return r.array(MaxGroups, func(int) error {
		*out = append(*out, rawGroup{})
		return r.group(&(*out)[len(*out)-1], groupForce)
	})
}

func (r *fileReader) privilege(int) error {
	attrs := winnt.SE_PRIVILEGE_ENABLED // of a bare name
	var name loc
	var err error
	r.peek()
	start := r.p
	if r.peek() == '"' {
		err = r.loc("", &name)
	} else {
		err = r.object(privilegeFields, func(i int) (err error) {
			if i == 0 {
				return r.loc("name", &name)
			}
			attrs, err = r.words(privilegeAttributes)
			return err
		})
		if err == nil && name.at == 0 {
			r.p = start
			err = within("name", r.fail("missing"))
		}
	}
	if err != nil {
		return err
	}
	p, err := winnt.ParsePrivilege(name.text)
	if err != nil {
		return &FileError{Path: name.path, Offset: name.at, Problem: err.Error(), Err: err}
	}
	if r.spec.Privileges.Has(p) {
		return &FileError{Path: name.path, Offset: name.at, Problem: name.text + " given twice"}
	}
	r.spec.Privileges |= p.Bit()
	if attrs&winnt.SE_PRIVILEGE_ENABLED != 0 {
		r.spec.EnabledPrivileges |= p.Bit()
	}
	if attrs&winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT != 0 {
		r.spec.DefaultPrivileges |= p.Bit()
	}
	return nil
}

func (r *fileReader) container(i int) (err error) {
	switch i {
	case 0:
		err = r.loc("appContainer.packageSid", &r.pkg)
	case 1:
		err = r.array(MaxGroups, func(int) error {
			r.caps = append(r.caps, rawGroup{})
			return r.group(&r.caps[len(r.caps)-1], winnt.SE_GROUP_ENABLED)
		})
	case 2:
		r.spec.LowPrivilege, err = r.boolean()
	case 3:
		var v uint64
		v, err = r.unsigned(32)
		r.spec.LowBoxNumber = uint32(v)
	}
	return err
}

// resolve turns texts into SIDs, and settles the defaults.
func (r *fileReader) resolve() error {
	s := &r.spec
	if r.user.sid.at == 0 {
		return within("user", r.fail("missing, a token needs the SID of its user"))
	}
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
	}{{"groups", r.groups, &s.Groups}, {"restrictedSids", r.restricted, &s.Restricted}, {"deviceGroups", r.device, &s.DeviceGroups},
		{"restrictedDeviceGroups", r.restrictedDevice, &s.RestrictedDeviceGroups}, {"appContainer.capabilities", r.caps, &s.Capabilities}} {
		if *l.out, err = r.resolveGroups(l.name, l.raw, domain); err != nil {
			return err
		}
	}
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

// findDomain is the SID that relative aliases count from: domain, or else the
// domain of the user, the zero SID where neither tells.
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

func resolveSID(l loc, domain sid.SID) (sid.SID, error) {
	s, err := sid.Resolve(l.text, domain)
	if err != nil {
		return s, &FileError{Path: l.path, Offset: l.at, Problem: err.Error(), Err: err}
	}
	return s, nil
}

func (r *fileReader) resolveGroups(name string, raw []rawGroup, domain sid.SID) ([]Group, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	out := make([]Group, len(raw))
	for i, g := range raw {
		s, err := resolveSID(g.sid, domain)
		if err != nil {
			if name == "user" {
				return nil, within(name, err)
			}
			return nil, within(name, within("["+strconv.Itoa(i)+"]", err))
		}
		out[i] = Group{s, g.attrs}
	}
	return out, nil
}

// settle applies the defaults of level, type, integrity and policy.
func (r *fileReader) settle() error {
	s := &r.spec
	if !r.hasType {
		s.Type = winnt.TokenPrimary
	}
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
			return &FileError{Path: r.level.path, Offset: r.level.at,
				Problem: fmt.Sprintf("unknown level %q, want one of %s, S-1-16-x or %s", r.level.text, choices(integrityLevels), noIntegrity)}
		}
		s.Integrity = level
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

// noIntegrity is the integrityLevel of a token without an integrity entry.
const noIntegrity = "None"

// resolveDACL reads the default DACL, or makes the usual one.
func (r *fileReader) resolveDACL(domain sid.SID) error {
	s := &r.spec
	if r.dacl.path == "" {
		var err error
		s.DefaultDACL, err = fullAccess(s.User.SID, sid.LocalSystem)
		return err
	}
	d, err := sddl.Parse(r.dacl.text, sddl.Options{Domain: domain, Extended: true})
	if err != nil {
		return &FileError{Path: r.dacl.path, Offset: r.dacl.at, Problem: err.Error(), Err: err}
	}
	if d.Control()&sd.DACLPresent == 0 || d.SACL() != nil || !d.Owner().IsZero() || !d.Group().IsZero() {
		return &FileError{Path: r.dacl.path, Offset: r.dacl.at, Problem: "want a DACL and nothing else, such as D:(A;;GA;;;SY)"}
	}
	s.DefaultDACL = d.DACL()
	return nil
}

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

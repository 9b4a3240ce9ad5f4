package token_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// specFaults are what no token can have, in the order of the fields in a token file.
var specFaults = []struct {
	field  string
	status ntstatus.Status
	do     func(*token.Spec)
}{
	{"type", ntstatus.BadTokenType, func(s *token.Spec) { s.Type = 3 }},
	{"impersonationLevel", ntstatus.BadImpersonationLevel, func(s *token.Spec) { s.Level = 4 }},
	{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.Privileges |= 1 << 37 }},
	{"privileges", ntstatus.InvalidParameter, func(s *token.Spec) { s.EnabledPrivileges |= winnt.SeTcbPrivilege.Bit() }},
	{"privileges", ntstatus.InvalidParameter, func(s *token.Spec) { s.DefaultPrivileges |= winnt.SeTcbPrivilege.Bit() }},
	{"mandatoryPolicy", ntstatus.InvalidParameter, func(s *token.Spec) { s.MandatoryPolicy = 4 }},
	{"elevationType", ntstatus.InvalidParameter, func(s *token.Spec) { s.ElevationType = 4 }},
	{"source", ntstatus.InvalidParameter, func(s *token.Spec) { s.Source.Name = "123456789" }},
	{"auditPolicy", ntstatus.InvalidParameter, func(s *token.Spec) { s.AuditPolicy = "1" }},
	{"writeRestricted", ntstatus.InvalidParameter, func(s *token.Spec) { s.WriteRestricted = true }},
	{"integrityLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.Integrity = sid.Users }},
	{"trustLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.TrustLevel = sid.Users }},
	{"user", ntstatus.InvalidParameter, func(s *token.Spec) { s.User.Attributes = winnt.SE_GROUP_INTEGRITY }},
	{"groups", ntstatus.InvalidSID, func(s *token.Spec) { s.Groups[0].SID = sid.SID{} }},
	{"groups[1]", ntstatus.InvalidParameter, func(s *token.Spec) { s.Groups[1].Attributes |= winnt.SE_GROUP_INTEGRITY }},
	{"restrictedSids", ntstatus.InvalidSID, func(s *token.Spec) { s.Restricted = []token.Group{{}} }},
	{"deviceGroups", ntstatus.InvalidSID, func(s *token.Spec) { s.DeviceGroups = []token.Group{{}} }},
	{"restrictedDeviceGroups", ntstatus.InvalidSID, func(s *token.Spec) { s.RestrictedDeviceGroups = []token.Group{{}} }},
	{"appContainer.capabilities", ntstatus.InvalidSID, func(s *token.Spec) { s.Capabilities = []token.Group{{}} }},
	{"owner", ntstatus.InvalidOwner, func(s *token.Spec) { s.Owner = sid.Guests }},
	{"primaryGroup", ntstatus.InvalidPrimaryGroup, func(s *token.Spec) { s.PrimaryGroup = sid.Guests }},
}

// TestFirstFieldIsNamed: a spec that no token can have is refused with its field and its
// status, and of two faults the field is named that stands first (T-3, T-4, T-11).
func TestFirstFieldIsNamed(t *testing.T) {
	ask := func(faults ...int) (string, ntstatus.Status) {
		s := setup()
		s.Groups = slices.Clone(s.Groups)
		for _, i := range faults {
			specFaults[i].do(&s)
		}
		_, err := token.New(s)
		var wrong *token.SpecError
		if !errors.As(err, &wrong) {
			t.Fatalf("%v: %v", faults, err)
		}
		return wrong.Field, wrong.Status
	}
	for i, a := range specFaults {
		field, st := ask(i)
		if field != a.field && field != a.field+"[0]" || st != a.status {
			t.Errorf("%s: %s, %v, want %v", a.field, field, st, a.status)
		}
		for k := i + 1; k < len(specFaults); k++ {
			if a.field == "writeRestricted" && specFaults[k].field == "restrictedSids" {
				continue // a write-restricted token may have them
			}
			if got, status := ask(k, i); got != field || status != st {
				t.Errorf("%s and %s: %s, %v", a.field, specFaults[k].field, got, status)
			}
		}
	}
}

// TestBoundsOfASpec: the last value that a field takes, beside the first that it does not.
func TestBoundsOfASpec(t *testing.T) {
	s := setup()
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	s.Privileges |= winnt.LastPrivilege.Bit() | winnt.FirstPrivilege.Bit()
	s.MandatoryPolicy, s.ElevationType, s.Source.Name = 3, winnt.TokenElevationTypeLimited, "12345678"
	got := must(t, s).Spec()
	if got.Level != 3 || got.Privileges != s.Privileges || got.MandatoryPolicy != 3 || got.ElevationType != 3 ||
		got.Source.Name != "12345678" {
		t.Errorf("%+v", got)
	}
}

// TestFlagsThatAreGiven: of the 32 bits of flags a spec may say those that nothing else
// says, and WithFlags sets and clears them; no other bit changes by it (T-1).
func TestFlagsThatAreGiven(t *testing.T) {
	given := map[uint32]bool{}
	for _, bit := range []uint32{winnt.TOKEN_UIACCESS, winnt.TOKEN_SESSION_NOT_REFERENCED, winnt.TOKEN_IS_FILTERED,
		winnt.TOKEN_VIRTUALIZE_ALLOWED, winnt.TOKEN_VIRTUALIZE_ENABLED, winnt.SE_BACKUP_PRIVILEGES_CHECKED,
		winnt.TOKEN_HAS_OWN_CLAIM_ATTRIBUTES, winnt.TOKEN_PRIVATE_NAMESPACE, winnt.TOKEN_NO_CHILD_PROCESS,
		winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE, winnt.TOKEN_AUDIT_NO_CHILD_PROCESS} {
		given[bit] = true
	}
	free := must(t, setup()).Flags()
	for bit := uint32(1); bit != 0; bit <<= 1 {
		s := setup()
		s.Flags = bit
		want := free
		if given[bit] {
			want |= bit
		}
		tok := must(t, s)
		if got := tok.Flags(); got != want {
			t.Errorf("T-1: a spec with %#x has the flags %#x, want %#x", bit, got, want)
		}
		if bit == winnt.TOKEN_IS_FILTERED { // which only a filter sets
			want = free
		}
		if got := must(t, setup()).WithFlags(7, bit, 0); got.Flags() != want || got.ModifiedID() != 7 {
			t.Errorf("T-1: %#x set gives %#x, want %#x", bit, got.Flags(), want)
		}
		want = tok.Flags()
		if given[bit] && bit != winnt.TOKEN_IS_FILTERED {
			want = free
		}
		if got := tok.WithFlags(7, 0, bit).Flags(); got != want {
			t.Errorf("T-1: %#x cleared gives %#x, want %#x", bit, got, want)
		}
	}
}

// TestLongestFile: a token file of MaxFile bytes is read, and one more is too long.
func TestLongestFile(t *testing.T) {
	file := append([]byte(`{"user":"S-1-5-21-1-2-3-1001"}`), make([]byte, token.MaxFile)...)
	for i := range file[30:] {
		file[30+i] = ' '
	}
	if _, err := token.Parse(file[:token.MaxFile]); err != nil {
		t.Errorf("%d bytes: %v", token.MaxFile, err)
	}
	var wrong *token.FileError
	if _, err := token.Parse(file[:token.MaxFile+1]); !errors.As(err, &wrong) || wrong.Offset != token.MaxFile {
		t.Errorf("%d bytes: %v", token.MaxFile+1, err)
	}
}

// TestAttributesOfProfiles: the groups of the built-in tokens have the attributes that a
// logon gives them: mandatory, enabled and so by default, but for Administrators, which
// the system may drop and a limited token only matches to deny (T-65, T-114, T-130).
func TestAttributesOfProfiles(t *testing.T) {
	for name, c := range map[string]struct {
		spec           token.Spec
		level          sid.SID
		administrators uint32 // 0: they are no group
	}{
		"administrator":   {token.Administrator(userU), sid.HighLevel, 0xF},
		"limited":         {token.LimitedAdministrator(userU), sid.MediumLevel, winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		"user":            {token.StandardUser(userU), sid.MediumLevel, 0},
		"network user":    {token.NetworkUser(userU, groupG1), sid.MediumLevel, 0},
		"system":          {token.LocalSystem(), sid.SystemLevel, 0xE},
		"local service":   {token.LocalService(), sid.SystemLevel, 0},
		"network service": {token.NetworkService(), sid.SystemLevel, 0},
		"anonymous":       {token.Anonymous(true), sid.UntrustedLevel, 0},
	} {
		tok := must(t, c.spec)
		administrators := uint32(0)
		for _, g := range tok.Groups() {
			switch {
			case g.SID == c.level:
				if g.Attributes != winnt.SE_GROUP_INTEGRITY|winnt.SE_GROUP_INTEGRITY_ENABLED {
					t.Errorf("%s: the level has %#x", name, g.Attributes)
				}
			case g.SID == sid.Administrators:
				administrators = g.Attributes
			case g.Attributes&winnt.SE_GROUP_LOGON_ID != 0:
				if g.Attributes != 0xC0000007 {
					t.Errorf("%s: the logon SID has %#x", name, g.Attributes)
				}
			case g.Attributes != 7:
				t.Errorf("%s: %v has %#x", name, g.SID, g.Attributes)
			}
		}
		if administrators != c.administrators {
			t.Errorf("%s: Administrators have %#x, want %#x", name, administrators, c.administrators)
		}
		if level := sid.IntegrityLevel(tok.Integrity()); level != c.level {
			t.Errorf("%s: level %v, want %v", name, level, c.level)
		}
	}
}

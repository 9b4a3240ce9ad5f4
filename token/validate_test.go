package token_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The integrity entry does not count as a group. A token with MaxGroups groups may have a level, and New accepts its
// Spec and Parse its file. New rejects MaxGroups+1 groups, with or without a level (T-4).
func TestIntegrityEntryIsNoGroup(t *testing.T) {
	for _, n := range []int{token.MaxGroups - 1, token.MaxGroups, token.MaxGroups + 1} {
		for _, listed := range []bool{false, true} {
			s := setup()
			s.Integrity, s.Groups = sid.SID{}, nil
			for i := range n {
				s.Groups = append(s.Groups, token.Group{SID: account(uint32(i)), Attributes: token.GroupDefault})
			}
			if listed {
				s.Groups = append(s.Groups, integrity(sid.LowLevel))
			}
			tok, err := token.New(s)
			check.That(t, (err == nil) == (n <= token.MaxGroups),
				"T-4: New with %d groups, integrity entry listed %t: %v; want an error only above %d", n, listed, err,
				token.MaxGroups)
			if err != nil {
				continue
			}
			high, st := tok.WithIntegrity(9, sid.HighLevel)
			wantStatus(t, "T-4: WithIntegrity", st, ntstatus.Success)
			d := differs(must(t, high.Spec()).Spec(), high.Spec())
			check.That(t, d == nil && high.GroupCount() == n+1 && high.Integrity() == sid.HighLevel.RID(),
				"T-4: %d groups: level %#x, %d groups, token made from the Spec differs in %v; want %#x, %d, no field",
				n, high.Integrity(), high.GroupCount(), d, sid.HighLevel.RID(), n+1)
			file := check.Must(high.MarshalJSON())
			if back, err := token.Parse(file); err != nil || back.GroupCount() != n+1 {
				t.Errorf("T-4: Parse of a file with %d groups: %v, want no error", n, err)
			}
		}
	}
}

// specFaults make a Spec invalid, in the order of the fields in a token file.
var specFaults = []struct {
	field  string
	status ntstatus.Status
	do     func(*token.Spec)
}{
	{"type", ntstatus.BadTokenType, func(s *token.Spec) { s.Type = 3 }},
	{"impersonationLevel", ntstatus.BadImpersonationLevel, func(s *token.Spec) { s.Level = 4 }},
	{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.Privileges |= 1 << 37 }},
	{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.EnabledPrivileges |= 1 << 37 }},
	{"privileges", ntstatus.NoSuchPrivilege, func(s *token.Spec) { s.DefaultPrivileges |= 1 }},
	{"privileges", ntstatus.InvalidParameter, func(s *token.Spec) { s.EnabledPrivileges |= winnt.SeTcbPrivilege.Bit() }},
	{"privileges", ntstatus.InvalidParameter, func(s *token.Spec) { s.DefaultPrivileges |= winnt.SeTcbPrivilege.Bit() }},
	{"mandatoryPolicy", ntstatus.InvalidParameter, func(s *token.Spec) { s.MandatoryPolicy = 4 }},
	{"elevationType", ntstatus.InvalidParameter, func(s *token.Spec) { s.ElevationType = 4 }},
	{"source", ntstatus.InvalidParameter, func(s *token.Spec) { s.Source.Name = "123456789" }},
	{"auditPolicy", ntstatus.InvalidParameter, func(s *token.Spec) { s.AuditPolicy = "1" }},
	{"writeRestricted", ntstatus.InvalidParameter, func(s *token.Spec) { s.WriteRestricted = true }},
	{"integrityLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.Integrity = sid.Users }},
	{"trustLevel", ntstatus.InvalidParameter, func(s *token.Spec) { s.TrustLevel = sid.Users }},
	{"user", ntstatus.InvalidSID, func(s *token.Spec) { s.User.SID = sid.SID{} }},
	{"groups", ntstatus.InvalidSID, func(s *token.Spec) { s.Groups[0].SID = sid.SID{} }},
	{"groups[1]", ntstatus.InvalidParameter, func(s *token.Spec) { s.Groups[1].Attributes |= winnt.SE_GROUP_INTEGRITY }},
	{"restrictedSids", ntstatus.InvalidSID, func(s *token.Spec) { s.Restricted = []token.Group{{}} }},
	{"deviceGroups", ntstatus.InvalidSID, func(s *token.Spec) { s.DeviceGroups = []token.Group{{}} }},
	{"restrictedDeviceGroups", ntstatus.InvalidSID, func(s *token.Spec) { s.RestrictedDeviceGroups = []token.Group{{}} }},
	{"appContainer.capabilities", ntstatus.InvalidSID, func(s *token.Spec) { s.Capabilities = []token.Group{{}} }},
	{"owner", ntstatus.InvalidOwner, func(s *token.Spec) { s.Owner = sid.Guests }},
	{"primaryGroup", ntstatus.InvalidPrimaryGroup, func(s *token.Spec) { s.PrimaryGroup = sid.Guests }},
}

// New rejects an invalid Spec with the field and its status. If two fields are invalid, it reports the first (T-3,
// T-4, T-11).
func TestNewReportsFirstInvalidField(t *testing.T) {
	ask := func(faults ...int) (string, ntstatus.Status) {
		s := setup()
		s.Groups = slices.Clone(s.Groups)
		for _, i := range faults {
			specFaults[i].do(&s)
		}
		_, err := token.New(s)
		var wrong *token.SpecError
		check.RequireThat(t, errors.As(err, &wrong), "New with the faults %v: %v, want a *SpecError", faults, err)
		return wrong.Field, wrong.Status
	}
	for i, a := range specFaults {
		field, st := ask(i)
		check.That(t, (field == a.field || field == a.field+"[0]") && st == a.status,
			"New with an invalid %s: error for %s with %v, want %v", a.field, field, st, a.status)
		for k := i + 1; k < len(specFaults); k++ {
			if a.field == "writeRestricted" && specFaults[k].field == "restrictedSids" {
				continue // a write-restricted token may have them
			}
			got, status := ask(k, i)
			check.That(t, got == field && status == st, "New with an invalid %s and %s: error for %s with %v, want %s with %v",
				a.field, specFaults[k].field, got, status, field, st)
		}
	}
}

// The error names the field, its value, what a valid one is, and the status.
func TestSpecErrorSaysWhatIsWrong(t *testing.T) {
	s := setup()
	s.Integrity = sid.Everyone
	_, err := token.New(s)
	check.Equal(t, fmt.Sprint(err), "token: integrityLevel: S-1-1-0: want S-1-16-x: STATUS_INVALID_PARAMETER", "error")
	s = setup()
	s.Owner = sid.Everyone
	_, err = token.New(s)
	check.Equal(t, fmt.Sprint(err), "token: owner: S-1-1-0: must be the user, or a group with the attribute Owner: "+
		"STATUS_INVALID_OWNER", "error")
}

// New accepts the last valid value of each bounded field.
func TestNewAcceptsBounds(t *testing.T) {
	s := setup()
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	s.Privileges |= winnt.LastPrivilege.Bit() | winnt.FirstPrivilege.Bit()
	s.MandatoryPolicy, s.ElevationType, s.Source.Name = 3, winnt.TokenElevationTypeLimited, "12345678"
	got := must(t, s).Spec()
	check.That(t, got.Level == 3 && got.Privileges == s.Privileges && got.MandatoryPolicy == 3 &&
		got.ElevationType == 3 && got.Source.Name == "12345678", "Spec() = %+v, want the given bounds", got)
	s.DeviceGroups = slices.Repeat(restricting(groupG1), token.MaxGroups)
	s.WriteRestricted, s.IsRestricted = true, true // write-restricted with an empty list, and with one SID
	must(t, s)
	s.Restricted, s.IsRestricted = restricting(groupG1), false
	must(t, s)
}

// A package is S-1-15-2-x, a capability S-1-15-3-x and a level S-1-16-x. New and LowBox check this in every position
// (T-4, T-69).
func TestPackageAndCapabilitySIDsAreChecked(t *testing.T) {
	for text, kind := range map[string]string{
		"S-1-15-2-1": "package", "S-1-15-2-1-2-3-4-5-6-7": "package", "S-1-15-2": "", "S-1-16-2-1": "", "S-1-5-2-1": "",
		"S-1-15-3-1": "capability", "S-1-15-3-1024-1-2": "capability", "S-1-15-3": "", "S-1-14-3-1": "", "S-1-15-4-1": "",
		"S-1-16-4096": "level", "S-1-16-4096-1": "", "S-1-15-4096": "", "S-1-1-0": "",
	} {
		s := sid.MustParse(text)
		made := func(change func(*token.Spec)) bool {
			spec := setup()
			spec.Integrity = sid.SID{}
			change(&spec)
			tok, err := token.New(spec)
			check.That(t, (tok == nil) == (err != nil), "New with %s: %v, and a token: %t", text, err, tok != nil)
			return err == nil
		}
		first := sid.MustParse("S-1-15-3-7")
		low := func(l token.LowBoxSpec) bool { _, st := must(t, setup()).LowBox(l); return st == ntstatus.Success }
		caps := []token.Group{{SID: first}, {SID: s}}
		box := sid.MustParse("S-1-15-2-7")
		got := map[string][]bool{
			"package": {made(func(x *token.Spec) { x.Package = s }), low(token.LowBoxSpec{Package: s})},
			"capability": {made(func(x *token.Spec) { x.Package, x.Capabilities = box, caps }),
				low(token.LowBoxSpec{Package: box, Capabilities: caps})},
			"level": {made(func(x *token.Spec) { x.Integrity = s }), made(func(x *token.Spec) {
				x.Groups = append(x.Groups, token.Group{SID: s, Attributes: winnt.SE_GROUP_INTEGRITY})
			})},
		}
		for what, oks := range got {
			for _, ok := range oks {
				check.That(t, ok == (what == kind), "T-69: %s accepted as a %s: %t, want %t", text, what, ok, what == kind)
			}
		}
	}
}

// New returns a SpecError with the wrong field and its status. TestNewReportsFirstInvalidField has the other fields
// (T-3, T-4).
func TestNewRejectsInvalidFields(t *testing.T) {
	const both = winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_USE_FOR_DENY_ONLY
	bad := []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: 0x100}}
	box, capability := sid.MustParse("S-1-15-2-1"), sid.MustParse("S-1-15-3-1")
	add := func(attributes uint32, sids ...sid.SID) func(*token.Spec) {
		return func(s *token.Spec) {
			for _, x := range sids {
				s.Groups = append(s.Groups, token.Group{SID: x, Attributes: attributes})
			}
		}
	}
	for _, c := range []struct {
		field  string
		mutate func(*token.Spec)
	}{
		{"user", func(s *token.Spec) { s.User.Attributes = both }},
		{"user", func(s *token.Spec) { s.User.Attributes = 0x60 }},
		{"groups[1]", func(s *token.Spec) { s.Groups[1].Attributes = 0x100 }},
		{"groups[1]", func(s *token.Spec) { s.Groups[1].Attributes = 0x80000000 }},
		{"groups[3]", add(both, sid.Everyone)},
		{"groups", func(s *token.Spec) { s.Groups = make([]token.Group, token.MaxGroups+1) }},
		{"groups[3]", add(0x60, sid.HighLevel)}, // the Spec also gives Medium
		{"groups[3]", add(0x20, sid.Everyone)},
		{"groups[4]", add(0x60, sid.MediumLevel, sid.MediumLevel)},
		{"groups[3]", add(0x60|winnt.SE_GROUP_ENABLED, sid.MediumLevel)},
		{"groups[3]", add(0x60|winnt.SE_GROUP_USE_FOR_DENY_ONLY, sid.MediumLevel)},
		{"groups[3]", func(s *token.Spec) { s.Integrity = sid.SID{}; add(0x60, sid.Everyone)(s) }},
		{"restrictedSids[1]", func(s *token.Spec) { s.Restricted = bad }},
		{"deviceGroups[1]", func(s *token.Spec) { s.DeviceGroups = bad }},
		{"deviceGroups", func(s *token.Spec) { s.DeviceGroups = slices.Repeat(restricting(groupG1), token.MaxGroups+1) }},
		{"restrictedDeviceGroups[1]", func(s *token.Spec) { s.RestrictedDeviceGroups = bad }},
		{"appContainer.capabilities[1]", func(s *token.Spec) {
			s.Package, s.Capabilities = box, []token.Group{{SID: capability}, {SID: capability, Attributes: 0x100}}
		}},
		{"appContainer.packageSid", func(s *token.Spec) { s.Capabilities = restricting(capability) }},
		{"appContainer.packageSid", func(s *token.Spec) { s.LowBoxNumber = 1 }},
		{"appContainer.packageSid", func(s *token.Spec) { s.LowPrivilege = true }},
	} {
		s := setup()
		c.mutate(&s)
		tok, err := token.New(s)
		var wrong *token.SpecError
		if !errors.As(err, &wrong) || wrong.Field != c.field || !errors.Is(err, ntstatus.InvalidParameter.Err()) ||
			!strings.Contains(err.Error(), c.field+": ") || tok != nil {
			t.Errorf("New: %v, want an error for field %s with %v, and no token", err, c.field, ntstatus.InvalidParameter)
		}
	}
}

func integrity(level sid.SID) token.Group {
	return token.Group{SID: level, Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED}
}

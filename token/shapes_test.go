package token_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestShapesOfSIDs: a package is S-1-15-2-x, a capability S-1-15-3-x, a level
// S-1-16-x, in every part (T-4, T-69); New and LowBox say so wherever it stands.
func TestShapesOfSIDs(t *testing.T) {
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
			if (tok == nil) != (err != nil) {
				t.Errorf("%s: %v beside a token: %t", text, err, tok != nil)
			}
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
				if ok != (what == kind) {
					t.Errorf("T-69: %s as a %s: %t, it is %q", text, what, ok, kind)
				}
			}
		}
	}
}

// TestNewRefusesEachPart: what TestNewRefuses has no row for: each of several
// fields that are looked at alike, and the other side of each bound.
func TestNewRefusesEachPart(t *testing.T) {
	bad := []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: 0x100}}
	for _, c := range []struct {
		field string // "" where it is allowed
		spoil func(*token.Spec)
	}{
		{"restrictedSids[1]", func(s *token.Spec) { s.Restricted = bad }},
		{"deviceGroups[1]", func(s *token.Spec) { s.DeviceGroups = bad }},
		{"restrictedDeviceGroups[1]", func(s *token.Spec) { s.RestrictedDeviceGroups = bad }},
		{"appContainer.capabilities[1]", func(s *token.Spec) {
			s.Package = sid.MustParse("S-1-15-2-1")
			s.Capabilities = append(restricting(sid.MustParse("S-1-15-3-1")),
				token.Group{SID: sid.MustParse("S-1-15-3-2"), Attributes: 0x100})
		}},
		{"appContainer.packageSid", func(s *token.Spec) { s.Capabilities = restricting(sid.MustParse("S-1-15-3-1")) }},
		{"appContainer.packageSid", func(s *token.Spec) { s.LowBoxNumber = 1 }},
		{"user", func(s *token.Spec) { s.User.Attributes = winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_USE_FOR_DENY_ONLY }},
		{"user", func(s *token.Spec) { s.User.Attributes = winnt.SE_GROUP_INTEGRITY }},
		{"groups[3]", func(s *token.Spec) { s.Groups = append(s.Groups, integrity(sid.HighLevel)) }},
		{"", func(s *token.Spec) { s.Groups = append(s.Groups, integrity(sid.MediumLevel)) }},
		{"groups[3]", func(s *token.Spec) {
			s.Integrity, s.Groups = sid.SID{}, append(s.Groups, integrity(sid.Everyone))
		}},
		{"groups[4]", func(s *token.Spec) {
			s.Groups = append(s.Groups, integrity(sid.MediumLevel), integrity(sid.MediumLevel))
		}},
		{"groups[3]", func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.MediumLevel, Attributes: 0x60 | winnt.SE_GROUP_ENABLED})
		}},
		{"groups[3]", func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: sid.MediumLevel, Attributes: 0x60 | winnt.SE_GROUP_USE_FOR_DENY_ONLY})
		}},
		{"privileges", func(s *token.Spec) { s.EnabledPrivileges = 1 << 37 }},
		{"privileges", func(s *token.Spec) { s.DefaultPrivileges = 1 << 37 }},
		{"privileges", func(s *token.Spec) { s.DefaultPrivileges = winnt.SeTcbPrivilege.Bit() }},
		{"privileges", func(s *token.Spec) { s.EnabledPrivileges = winnt.SeTcbPrivilege.Bit() }},
		{"", func(s *token.Spec) { s.Privileges |= 1<<36 | 1<<2 }},
		{"", func(s *token.Spec) { s.Level = winnt.SecurityDelegation }},
		{"", func(s *token.Spec) { s.ElevationType = winnt.TokenElevationTypeLimited }},
		{"", func(s *token.Spec) { s.MandatoryPolicy = 3 }},
		{"", func(s *token.Spec) { s.Source.Name = "12345678" }},
		{"", func(s *token.Spec) { s.DeviceGroups = slices.Repeat(restricting(groupG1), token.MaxGroups) }},
		{"deviceGroups", func(s *token.Spec) { s.DeviceGroups = slices.Repeat(restricting(groupG1), token.MaxGroups+1) }},
		{"writeRestricted", func(s *token.Spec) { s.WriteRestricted = true }},
		{"", func(s *token.Spec) { s.WriteRestricted, s.IsRestricted = true, true }},
		{"", func(s *token.Spec) { s.WriteRestricted, s.Restricted = true, restricting(groupG1) }},
	} {
		s := setup()
		c.spoil(&s)
		tok, err := token.New(s)
		if got := fmt.Sprint(err); (err == nil) != (c.field == "") || err != nil && !strings.Contains(got, c.field+":") {
			t.Errorf("%q: %v", c.field, got)
		}
		if (tok == nil) != (err != nil) {
			t.Errorf("%q: a token beside an error", c.field)
		}
	}
}

func integrity(level sid.SID) token.Group {
	return token.Group{SID: level, Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED}
}

// TestEqualCapabilities: capabilities are compared as sets, each with whether it is
// enabled (T-100).
func TestEqualCapabilities(t *testing.T) {
	made := func(caps ...string) *token.Token {
		s := setup()
		s.Package = sid.MustParse("S-1-15-2-1")
		for _, c := range caps {
			off := strings.HasPrefix(c, "-")
			g := token.Group{SID: sid.MustParse("S-1-15-3-" + strings.TrimPrefix(c, "-")), Attributes: winnt.SE_GROUP_ENABLED}
			if off {
				g.Attributes = winnt.SE_GROUP_MANDATORY
			}
			s.Capabilities = append(s.Capabilities, g)
		}
		return must(t, s)
	}
	for _, c := range []struct {
		a, b  []string
		equal bool
	}{
		{nil, nil, true}, {[]string{"1", "2"}, []string{"2", "1"}, true}, {[]string{"1"}, []string{"1", "2"}, false},
		{[]string{"1"}, []string{"2"}, false}, {[]string{"1"}, []string{"-1"}, false}, {[]string{"-1"}, []string{"-1"}, true},
		{[]string{"1", "1"}, []string{"1"}, true}, {nil, []string{"1"}, false}, {[]string{"-1"}, nil, false},
		{[]string{"2", "-1"}, []string{"-1", "2"}, true}, {[]string{"2", "-1"}, []string{"1", "2"}, false},
		{[]string{"-1", "1"}, []string{"1"}, true},
	} {
		a, b := made(c.a...), made(c.b...)
		if a.Equal(b) != c.equal || b.Equal(a) != c.equal {
			t.Errorf("T-100: %v and %v: %t, %t", c.a, c.b, a.Equal(b), b.Equal(a))
		}
	}
	if x := made("1"); !x.Equal(x) {
		t.Error("T-100: a token is not equal to itself")
	}
}

// TestEntriesOfOneSID: where a SID is in the token twice, the entry that allows
// what is asked counts: owner (T-11), Administrators (T-103).
func TestEntriesOfOneSID(t *testing.T) {
	const on, off, deny uint32 = token.GroupDefault, token.GroupDisabled, winnt.SE_GROUP_USE_FOR_DENY_ONLY
	for _, c := range []struct {
		attributes   []uint32
		owner, admin bool
	}{
		{[]uint32{on}, false, true}, {[]uint32{on | winnt.SE_GROUP_OWNER}, true, true}, {[]uint32{0}, false, true},
		{[]uint32{deny | winnt.SE_GROUP_OWNER}, false, false}, {[]uint32{on, on | winnt.SE_GROUP_OWNER}, true, true},
		{[]uint32{deny | winnt.SE_GROUP_OWNER, on}, false, true}, {[]uint32{deny, on | winnt.SE_GROUP_OWNER}, true, true},
		{[]uint32{deny, deny}, false, false}, {[]uint32{on | winnt.SE_GROUP_OWNER, deny}, true, true}, {nil, false, false},
	} {
		s := setup()
		for _, a := range c.attributes {
			s.Groups = append(s.Groups, token.Group{SID: sid.Guests, Attributes: token.GroupDefault},
				token.Group{SID: sid.Administrators, Attributes: a})
		}
		tok := must(t, s)
		if tok.IsAdmin() != c.admin {
			t.Errorf("T-103: %#x: administrator %t", c.attributes, tok.IsAdmin())
		}
		n, st := tok.WithOwner(1, sid.Administrators)
		s.Owner = sid.Administrators
		_, err := token.New(s)
		if (st == ntstatus.Success) != c.owner || (err == nil) != c.owner || n != nil && n.Owner() != sid.Administrators {
			t.Errorf("T-11: %#x: %v, %v", c.attributes, st, err)
		}
	}
	// What an effective-only copy leaves out counts no more, the first entry or another one.
	for _, c := range []struct {
		attributes []uint32
		admin      bool
	}{{[]uint32{deny, off}, false}, {[]uint32{off, deny}, false}, {[]uint32{off, on}, true}, {[]uint32{deny, on}, true},
		{[]uint32{off, off}, false}, {[]uint32{on, off}, true}} {
		s := setup()
		for _, a := range c.attributes {
			s.Groups = append(s.Groups, token.Group{SID: sid.Administrators, Attributes: a})
		}
		if tok := must(t, s).EffectiveOnly(); tok.IsAdmin() != c.admin {
			t.Errorf("T-103, T-48: %#x: administrator %t in an effective-only copy", c.attributes, tok.IsAdmin())
		}
	}
	s := setup(token.Group{SID: sid.Administrators, Attributes: on})
	s.Restricted = restricting(sid.Users, sid.Administrators)
	if !must(t, s).IsAdmin() {
		t.Error("T-103: Administrators is among the restricting SIDs")
	}
	if s.Restricted = restricting(sid.Administrators); !must(t, s).IsAdmin() {
		t.Error("T-103: Administrators is the restricting SID")
	}
	if s.Restricted = restricting(sid.Users); must(t, s).IsAdmin() {
		t.Error("T-103: Administrators is not among the restricting SIDs")
	}
}

package token_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A group of a Spec with attributes 0 is an ordinary enabled group. GroupDisabled makes a group with attributes 0 in
// the token (T-143).
func TestGroupWithoutAttributesIsEnabled(t *testing.T) {
	tok := must(t, token.Spec{User: token.Group{SID: userU},
		Groups: []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: token.GroupDisabled}}})
	if a, ok := attributes(t, tok, groupG1); !ok || a != winnt.SE_GROUP_MANDATORY|winnt.SE_GROUP_ENABLED_BY_DEFAULT|
		winnt.SE_GROUP_ENABLED || !tok.Member(groupG1, false) {
		t.Errorf("T-143: attributes 0 in a Spec became %#x, want 0x7 and an enabled group", a)
	}
	if a, ok := attributes(t, tok, groupG2); !ok || a != 0 || tok.Member(groupG2, true) {
		t.Errorf("T-143: GroupDisabled became %#x, want 0 and a group that matches nothing", a)
	}
	// A disabled group can be enabled, like any group that is not mandatory.
	on, _, st := tok.AdjustGroups(1, false, []token.Group{{SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}})
	check.That(t, st == ntstatus.Success && on.Member(groupG2, false),
		"AdjustGroups that enables the disabled group: %v, want %v", st, ntstatus.Success)
}

// Only the groups of a Spec accept GroupDisabled, and only without other attributes (T-143).
func TestGroupDisabledExcludesAttributes(t *testing.T) {
	marked := func(s sid.SID, beside uint32) token.Group {
		return token.Group{SID: s, Attributes: token.GroupDisabled | beside}
	}
	list := func(s sid.SID) []token.Group { return []token.Group{marked(s, 0)} }
	refused := map[string]func(*token.Spec){
		"the user":                 func(s *token.Spec) { s.User = marked(userU, 0) },
		"a restricting SID":        func(s *token.Spec) { s.Restricted = list(groupG1) },
		"a device group":           func(s *token.Spec) { s.DeviceGroups = list(groupG1) },
		"restricted device groups": func(s *token.Spec) { s.RestrictedDeviceGroups = list(groupG1) },
		"a capability": func(s *token.Spec) {
			s.Package, s.Capabilities = sid.MustParse("S-1-15-2-1-2"), list(sid.MustParse("S-1-15-3-1"))
		},
		"the integrity entry": func(s *token.Spec) {
			s.Integrity, s.Groups = sid.SID{}, []token.Group{marked(sid.MediumLevel, winnt.SE_GROUP_INTEGRITY)}
		},
	}
	for bit := uint32(1); bit != 0; bit <<= 1 {
		if bit != token.GroupDisabled {
			refused[fmt.Sprintf("a group that also has %#x", bit)] = func(s *token.Spec) {
				s.Groups = append(s.Groups, marked(account(3001), bit))
			}
		}
	}
	for name, change := range refused {
		s := setup()
		change(&s)
		var wrong *token.SpecError
		_, err := token.New(s)
		check.That(t, errors.As(err, &wrong) && wrong.Status == ntstatus.InvalidParameter,
			"T-143: New with GroupDisabled in %s: %v, want a SpecError with %v", name, err, ntstatus.InvalidParameter)
	}
}

// AsGiven turns attributes 0 into a disabled group and leaves the given slice alone. New rejects groups that had
// GroupDisabled before AsGiven (T-144).
func TestAsGivenDisablesZeroAttributes(t *testing.T) {
	given := []token.Group{{SID: groupG1}, {SID: groupG2, Attributes: winnt.SE_GROUP_ENABLED}}
	tok := must(t, token.Spec{User: token.Group{SID: userU}, Groups: token.AsGiven(given)})
	check.That(t, !tok.Member(groupG1, true) && tok.Member(groupG2, false) && given[0].Attributes == 0,
		"T-144: groups after AsGiven: %v, want the first disabled; given[0].Attributes = %#x, want 0", tok.Spec().Groups,
		given[0].Attributes)
	for _, beside := range []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_OWNER} {
		_, err := token.New(token.Spec{User: token.Group{SID: userU}, Groups: token.AsGiven(
			[]token.Group{{SID: groupG1, Attributes: token.GroupDisabled | beside}})})
		check.ErrorIs(t, err, ntstatus.InvalidParameter.Err(), "T-144: New after AsGiven of GroupDisabled|%#x", beside)
	}
}

package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// HeapSize counts every part of a token that can be large. A nil and a zero token have the size 0.
func TestHeapSizeCountsEveryPart(t *testing.T) {
	check.That(t, (*token.Token)(nil).HeapSize() == 0 && new(token.Token).HeapSize() == 0, "size of no token: not 0")
	box := sid.MustParse("S-1-15-2-1")
	plain, boxed := setup(), setup()
	boxed.Package = box
	many := restricting(accounts...)
	for name, c := range map[string]struct {
		change func(*token.Spec)
		least  int // the bytes that the part needs
	}{
		"groups":           {func(s *token.Spec) { s.Groups = append(s.Groups, many...) }, 28 * len(many)},
		"restricting SIDs": {func(s *token.Spec) { s.Restricted = many }, 28 * len(many)},
		"restricting SIDs that only deny": {func(s *token.Spec) {
			for _, g := range many {
				s.Restricted = append(s.Restricted, token.Group{SID: g.SID, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY})
			}
		}, 28 * len(many)},
		"device groups":            {func(s *token.Spec) { s.DeviceGroups = many }, 28 * len(many)},
		"restricted device groups": {func(s *token.Spec) { s.RestrictedDeviceGroups = many }, 28 * len(many)},
		"user claims":              {func(s *token.Spec) { s.UserClaims = claimsOf(t, attr("u", 0, 1)) }, 8},
		"device claims":            {func(s *token.Spec) { s.DeviceClaims = claimsOf(t, attr("d", 0, 1)) }, 8},
		"restricted user claims":   {func(s *token.Spec) { s.RestrictedUserClaims = claimsOf(t, attr("u", 0, 1)) }, 8},
		"restricted device claims": {func(s *token.Spec) { s.RestrictedDeviceClaims = claimsOf(t, attr("d", 0, 1)) }, 8},
		"local attributes":         {func(s *token.Spec) { s.LocalAttributes = claimsOf(t, attr("l", 0, 1)) }, 8},
		"audit policy":             {func(s *token.Spec) { s.AuditPolicy = everything(t).AuditPolicy }, 20},
		"isolation prefix":         {func(s *token.Spec) { s.IsolationPrefix = "0123456789" }, 10},
		"charged space":            {func(s *token.Spec) { s.DynamicCharged = 5000 }, 4500},
		"capabilities": {func(s *token.Spec) {
			s.Package = box
			s.Capabilities = []token.Group{{SID: sid.MustParse("S-1-15-3-1")}, {SID: sid.MustParse("S-1-15-3-2")}}
		}, 24},
	} {
		s := setup()
		c.change(&s)
		base := plain
		if !s.Package.IsZero() {
			base = boxed
		}
		grown := must(t, s).HeapSize() - must(t, base).HeapSize()
		check.That(t, grown >= c.least, "%s: HeapSize grew by %d, want at least %d", name, grown, c.least)
	}
}

package token_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func attr(name string, flags uint32, values ...int64) claims.Attribute {
	return claims.Attribute{Name: name, Type: claims.Int64, Flags: flags, Ints: values}
}

func claimsOf(t testing.TB, list ...claims.Attribute) *claims.Set {
	t.Helper()
	return check.Must(claims.NewSet(list))
}

func flagsOf(s *claims.Set) (out []uint32) {
	for _, a := range s.All() {
		out = append(out, a.Flags)
	}
	return out
}

// claimed returns a token with three user claims, the same device claims, and two device groups.
func claimed(t testing.TB) *token.Token {
	s := setup()
	s.UserClaims = claimsOf(t, attr("Level", 0, 3), attr("Fixed", claims.FlagMandatory, 1),
		attr("Off", claims.FlagDisabled|claims.FlagDisabledByDefault, 1))
	s.DeviceClaims = s.UserClaims
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: winnt.SE_GROUP_ENABLED},
		{SID: groupG2, Attributes: token.GroupDefault}}
	return must(t, s)
}

// A filter disables claims permanently and narrows the claims of the restricted check. A second filter narrows them
// further (T-67).
func TestFilterDisablesClaimsPermanently(t *testing.T) {
	tok := claimed(t)
	check.That(t, tok.RestrictedUserClaims() == tok.UserClaims() && tok.RestrictedDeviceClaims() == tok.DeviceClaims(),
		"without a restricting list the restricted check does not use all claims")
	n := filter(t, tok, token.FilterSpec{DisableUserClaims: []string{"level", "fixed", "none"},
		RestrictUserClaims: []string{"OFF", "Level"}, RestrictDeviceClaims: []string{}})
	want := []uint32{claims.FlagDisabled | claims.FlagDisabledByDefault, claims.FlagDisabled |
		claims.FlagDisabledByDefault, claims.FlagDisabled | claims.FlagDisabledByDefault}
	if got := flagsOf(n.UserClaims()); !slices.Equal(got, want) || !n.IsFiltered() {
		t.Errorf("claim flags after Filter: %#x, want %#x; filtered %t, want true", got, want, n.IsFiltered())
	}
	if n.RestrictedUserClaims().Len() != 2 || n.RestrictedDeviceClaims().Len() != 0 || n.DeviceClaims().Len() != 3 {
		t.Errorf("after Filter: %d restricted user claims, %d restricted device claims, %d device claims; want "+
			"2, 0, 3", n.RestrictedUserClaims().Len(), n.RestrictedDeviceClaims().Len(), n.DeviceClaims().Len())
	}
	// Filter disables a claim permanently even if it is disabled already. A reset does not enable it.
	for _, first := range []bool{false, true} {
		now := tok
		if first {
			now, _, _ = now.AdjustClaims(300, false, false, []claims.Attribute{{Name: "Level", Flags: claims.FlagDisabled}})
		}
		narrow := filter(t, now, token.FilterSpec{DisableUserClaims: []string{"Level"}})
		back, _, st := narrow.AdjustClaims(301, false, true, nil)
		a, _ := back.UserClaims().Lookup("Level")
		if st != ntstatus.Success || a.Flags != claims.FlagDisabled|claims.FlagDisabledByDefault || !back.IsFiltered() {
			t.Errorf("disabled before: %t; after Filter and reset: %v, flags %#x, filtered %t; want %v, disabled "+
				"and disabled by default, true", first, st, a.Flags, back.IsFiltered(), ntstatus.Success)
		}
	}
	// A later filter disables and drops the claims that the restricted check still sees, too.
	level := []string{"Level"}
	narrow := filter(t, tok, token.FilterSpec{RestrictUserClaims: level, RestrictDeviceClaims: level})
	disabled := filter(t, narrow, token.FilterSpec{DisableUserClaims: level, DisableDeviceClaims: level})
	dropped := filter(t, narrow, token.FilterSpec{DropUserClaims: true, DropDeviceClaims: true})
	for name, get := range map[string]func(*token.Token) *claims.Set{"user": (*token.Token).RestrictedUserClaims,
		"device": (*token.Token).RestrictedDeviceClaims} {
		a, _ := get(disabled).Lookup("Level")
		check.That(t, a.Flags&claims.FlagDisabled != 0 && get(dropped).Len() == 0,
			"T-67: restricted %s claims: flags %#x after disabling, %d claims after dropping; want disabled, 0", name, a.Flags,
			get(dropped).Len())
	}
	n = filter(t, n, token.FilterSpec{RestrictUserClaims: []string{"Level", "Fixed"}})
	if got := n.RestrictedUserClaims().Len(); got != 1 {
		t.Errorf("restricted user claims after a second filter: %d, want 1: the intersection of both lists", got)
	}
	text, err := n.MarshalJSON()
	check.NoError(t, err)
	again := check.Must(token.Parse(text))
	check.That(t, again.RestrictedUserClaims().Len() == 1 && again.RestrictedDeviceClaims().Len() == 0,
		"restricted claims after a round trip through a file: %d and %d, want 1 and 0: %s",
		again.RestrictedUserClaims().Len(), again.RestrictedDeviceClaims().Len(), text)
}

// The per-user audit policy and the isolation prefix are kept by copies and in a file. They do not change ModifiedID
// (T-90).
func TestAuditPolicyAndIsolationAreKept(t *testing.T) {
	tok := must(t, setup())
	check.That(t, string(tok.AuditPolicy()) == strings.Repeat("\x00", token.AuditPolicySize),
		"AuditPolicy of a new token = %x, want zeros", tok.AuditPolicy())
	wantStatus(t, "WithAuditPolicy of one byte", check.Status(tok.WithAuditPolicy([]byte{1})), ntstatus.InvalidParameter)
	policy := []byte(strings.Repeat("\x12", token.AuditPolicySize))
	n, st := tok.WithAuditPolicy(policy)
	wantStatus(t, "WithAuditPolicy", st, ntstatus.Success)
	n = n.WithIsolationPrefix("box")
	text, err := n.MarshalJSON()
	check.NoError(t, err)
	for _, v := range []*token.Token{n, must(t, n.Spec()), n.WithTypeLevel(winnt.TokenImpersonation, 2)} { // T-49
		if string(v.AuditPolicy()) != string(policy) || v.IsolationPrefix() != "box" || v.ModifiedID() != tok.ModifiedID() {
			t.Errorf(`audit policy %x, isolation prefix %q, ModifiedID %v; want %x, "box", %v`, v.AuditPolicy(),
				v.IsolationPrefix(), v.ModifiedID(), policy, tok.ModifiedID())
		}
	}
	if again, err := token.Parse(text); err != nil || string(again.AuditPolicy()) != string(policy) ||
		again.IsolationPrefix() != "box" {
		t.Errorf("audit policy or isolation prefix changed in a file: %v, %s", err, text)
	}
	check.That(t, check.Err(token.Parse([]byte(`{"user":"WD","auditPolicy":"12"}`))) != nil,
		"Parse of an audit policy of one byte: no error, want one")
}

// ChangeAttributes (class 39) applies each operation, compares values by the existing attribute's case flag, and
// changes nothing on an error (T-90).
func TestChangeAttributesAppliesEachOperation(t *testing.T) {
	text := func(name string, values ...string) claims.Attribute {
		return claims.Attribute{Name: name, Type: claims.String, Strings: values}
	}
	op := func(o token.AttributeOperation, a claims.Attribute) token.AttributeChange {
		return token.AttributeChange{Attribute: a, Operation: o}
	}
	// Only FlagCaseSensitive makes values case-sensitive.
	for flags, want := range map[uint32]string{claims.FlagDisabledByDefault: "A=x", claims.FlagMandatory: "A=x",
		claims.FlagCaseSensitive: "A=x,y", claims.FlagCaseSensitive | claims.FlagMandatory: "A=x,y"} {
		a := text("A", "x", "y")
		a.Flags = flags
		s := setup()
		s.LocalAttributes = claimsOf(t, a)
		n, st := must(t, s).ChangeAttributes([]token.AttributeChange{op(token.AttributeDelete, text("A", "Y"))})
		check.That(t, st == ntstatus.Success && attributesText(n) == want,
			`delete "Y" from A=x,y with flags %#x: %v, %s; want %s`, flags, st, attributesText(n), want)
	}
	// The existing attribute's flag decides whether a value exists already, not the flag of the added attribute.
	for flags, want := range map[uint32]string{0: "A=x", claims.FlagCaseSensitive: "A=x,X"} {
		a := text("A", "x")
		a.Flags = flags
		s := setup()
		s.LocalAttributes = claimsOf(t, a)
		for _, added := range []uint32{0, claims.FlagCaseSensitive} {
			b := text("A", "X")
			b.Flags = added
			n, st := must(t, s).ChangeAttributes([]token.AttributeChange{op(token.AttributeAdd, b)})
			if st != ntstatus.Success {
				t.Errorf(`add "X" to A=x with flags %#x, added with %#x: %v, want %s`, flags, added, st, want)
			} else if attributesText(n) != want {
				t.Errorf(`add "X" to A=x with flags %#x, added with %#x: %v, %s; want %s`, flags, added, st,
					attributesText(n), want)
			}
		}
	}
	s := setup()
	s.LocalAttributes = claimsOf(t, text("A", "x", "y"), attr("N", 0, 1))
	tok := must(t, s)
	for _, c := range []struct {
		name    string
		changes []token.AttributeChange
		want    string // name=values, in order; or the status
	}{
		{"empty list", nil, "A=x,y N=1"},
		{"operation None", []token.AttributeChange{op(token.AttributeNone, text("Z"))}, "A=x,y N=1"},
		{"add values, one of which exists", []token.AttributeChange{op(token.AttributeAdd, text("a", "X", "z"))},
			"A=x,y,z N=1"},
		{"add an attribute", []token.AttributeChange{op(token.AttributeAdd, text("B", "b"))}, "A=x,y N=1 B=b"},
		{"add another type", []token.AttributeChange{op(token.AttributeAdd, text("N", "b"))}, "STATUS_INVALID_PARAMETER"},
		{"replace", []token.AttributeChange{op(token.AttributeReplace, text("N", "b"))}, "A=x,y N=b"},
		{"replace by nothing", []token.AttributeChange{op(token.AttributeReplace, text("A")),
			op(token.AttributeReplace, text("Z"))}, "N=1"},
		{"replace an absent attribute", []token.AttributeChange{op(token.AttributeReplace, text("B", "b"))}, "A=x,y N=1 B=b"},
		{"delete a value", []token.AttributeChange{op(token.AttributeDelete, text("A", "Y"))}, "A=x N=1"},
		{"delete every value", []token.AttributeChange{op(token.AttributeDelete, text("A", "y", "x"))}, "N=1"},
		{"delete an attribute", []token.AttributeChange{op(token.AttributeDelete, text("a"))}, "N=1"},
		{"delete an absent attribute", []token.AttributeChange{op(token.AttributeDelete, text("B"))}, "STATUS_NOT_FOUND"},
		{"replace all", []token.AttributeChange{op(token.AttributeReplaceAll, text("B", "b"))}, "B=b"},
		{"replace all by nothing", []token.AttributeChange{op(token.AttributeReplaceAll, text("B"))}, ""},
		{"replace all with another operation", []token.AttributeChange{op(token.AttributeReplaceAll, text("B", "b")),
			op(token.AttributeNone, text("B"))}, "STATUS_INVALID_PARAMETER"},
		{"all or nothing", []token.AttributeChange{op(token.AttributeAdd, text("B", "b")),
			op(token.AttributeDelete, text("C"))}, "STATUS_NOT_FOUND"},
		{"unknown operation", []token.AttributeChange{op(9, text("B", "b"))}, "STATUS_INVALID_PARAMETER"},
		{"no attribute", []token.AttributeChange{op(token.AttributeAdd, claims.Attribute{})}, "STATUS_INVALID_PARAMETER"},
	} {
		n, st := tok.ChangeAttributes(c.changes)
		got := st.String()
		if st == ntstatus.Success {
			got = attributesText(n)
		}
		check.Equal(t, got, c.want, "ChangeAttributes, %s", c.name)
		check.Require(t, attributesText(tok), "A=x,y N=1", "ChangeAttributes, %s: the receiver changed to", c.name)
	}
}

func attributesText(t *token.Token) string {
	var parts []string
	for _, a := range t.LocalAttributes().All() {
		v := strings.Join(a.Strings, ",")
		if a.Type == claims.Int64 {
			v = "1"
		}
		parts = append(parts, a.Name+"="+v)
	}
	return strings.Join(parts, " ")
}

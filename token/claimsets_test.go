package token_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
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

// claimed returns a token with three user claims, the same device claims, and two device groups.
func claimed(t testing.TB) *token.Token {
	s := setup()
	list := []claims.Attribute{attr("Level", 0, 3), attr("Fixed", claims.FlagMandatory, 1),
		attr("Off", claims.FlagDisabled|claims.FlagDisabledByDefault, 1)}
	s.UserClaims, s.DeviceClaims = claimsOf(t, list...), claimsOf(t, list...)
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: winnt.SE_GROUP_ENABLED},
		{SID: groupG2, Attributes: token.GroupDefault}}
	return must(t, s)
}

// Filter disables a claim permanently even if it is disabled already: a reset does not enable it (T-67). Conditions see
// all claims until a filter narrows them.
func TestFilterDisablesClaimsPermanently(t *testing.T) {
	tok := claimed(t)
	check.That(t, tok.RestrictedUserClaims() == tok.UserClaims() && tok.RestrictedDeviceClaims() == tok.DeviceClaims(),
		"without a restricting list the restricted check does not use all claims")
	off := []claims.Attribute{{Name: "Level", Flags: claims.FlagDisabled}}
	disabled, _, _ := tok.AdjustClaims(300, false, false, off)
	for _, now := range []*token.Token{tok, disabled} {
		narrow := filter(t, now, token.FilterSpec{DisableUserClaims: []string{"LEVEL"}})
		back, _, st := narrow.AdjustClaims(301, false, true, nil)
		a, _ := back.UserClaims().Lookup("Level")
		check.That(t, st == ntstatus.Success && a.Flags == claims.FlagDisabled|claims.FlagDisabledByDefault,
			"after Filter and reset: %v, flags %#x; want %v, disabled and disabled by default", st, a.Flags, ntstatus.Success)
	}
	// An empty list of names leaves the restricted pass no claims.
	none := filter(t, tok, token.FilterSpec{RestrictUserClaims: []string{}, RestrictDeviceClaims: []string{}})
	check.That(t, none.RestrictedUserClaims().Len() == 0 && none.RestrictedDeviceClaims().Len() == 0 &&
		none.UserClaims().Len() == 3 && none.DeviceClaims().Len() == 3,
		"T-67: a filter to no claims: the restricted pass sees %d and %d claims, want none",
		none.RestrictedUserClaims().Len(), none.RestrictedDeviceClaims().Len())
	s := setup() // with nothing to disable
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}}
	s.UserClaims = check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1},
		Flags: claims.FlagDisabled | claims.FlagDisabledByDefault}}))
	same := filter(t, must(t, s), token.FilterSpec{DisableDevice: []sid.SID{groupG1}, DisableUserClaims: []string{"n"}})
	check.That(t, !same.IsFiltered(), "T-64: a filter that takes nothing away marked the token as filtered")
}

// The per-user audit policy and the isolation prefix are kept by copies and in a file. They do not change ModifiedID
// (T-90).
func TestAuditPolicyAndIsolationAreKept(t *testing.T) {
	tok := must(t, setup())
	check.That(t, string(tok.AuditPolicy()) == strings.Repeat("\x00", token.AuditPolicySize),
		"AuditPolicy of a new token = %x, want zeros", tok.AuditPolicy())
	for _, n := range []int{0, 1, token.AuditPolicySize - 1, token.AuditPolicySize + 1} {
		wantStatus(t, fmt.Sprint("WithAuditPolicy of bytes: ", n), check.Status(tok.WithAuditPolicy(make([]byte, n))),
			ntstatus.InvalidParameter)
	}
	policy := []byte(strings.Repeat("\x12", token.AuditPolicySize))
	n, st := tok.WithAuditPolicy(policy)
	wantStatus(t, "WithAuditPolicy", st, ntstatus.Success)
	n = n.WithIsolationPrefix("box")
	text := check.Must(n.MarshalJSON())
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
	type changes = []token.AttributeChange
	op := func(o token.AttributeOperation, name string, values ...string) token.AttributeChange {
		return token.AttributeChange{Attribute: text(name, values...), Operation: o}
	}
	// Only FlagCaseSensitive of the existing attribute makes values case-sensitive, not that of the attribute in the
	// change.
	for flags, want := range map[uint32][2]string{0: {"A=x", "A=x,y"}, claims.FlagDisabledByDefault: {"A=x", "A=x,y"},
		claims.FlagMandatory: {"A=x", "A=x,y"}, claims.FlagCaseSensitive: {"A=x,y", "A=x,y,Y"},
		claims.FlagCaseSensitive | claims.FlagMandatory: {"A=x,y", "A=x,y,Y"}} {
		s, a := setup(), text("A", "x", "y")
		a.Flags = flags
		s.LocalAttributes = claimsOf(t, a)
		for i, o := range []token.AttributeOperation{token.AttributeDelete, token.AttributeAdd} {
			for _, changed := range []uint32{0, claims.FlagCaseSensitive} {
				c := op(o, "A", "Y")
				c.Attribute.Flags = changed
				n, st := must(t, s).ChangeAttributes(changes{c})
				check.That(t, st == ntstatus.Success && attributesText(n) == want[i],
					`%v "Y" with flags %#x, A=x,y with flags %#x: %v, %s; want %s`, o, changed, flags, st, attributesText(n), want[i])
			}
		}
	}
	s := setup()
	s.LocalAttributes = claimsOf(t, text("A", "x", "y"), attr("N", 0, 1))
	tok := must(t, s)
	for _, c := range []struct {
		name    string
		changes changes
		want    string // name=values, in order; or the status
	}{
		{"empty list", nil, "A=x,y N=1"},
		{"operation None", changes{op(token.AttributeNone, "Z")}, "A=x,y N=1"},
		{"add values, one of which exists", changes{op(token.AttributeAdd, "a", "X", "z")}, "A=x,y,z N=1"},
		{"add an attribute", changes{op(token.AttributeAdd, "B", "b")}, "A=x,y N=1 B=b"},
		{"add another type", changes{op(token.AttributeAdd, "N", "b")}, "STATUS_INVALID_PARAMETER"},
		{"replace", changes{op(token.AttributeReplace, "N", "b")}, "A=x,y N=b"},
		{"replace by nothing", changes{op(token.AttributeReplace, "A"), op(token.AttributeReplace, "Z")}, "N=1"},
		{"replace an absent attribute", changes{op(token.AttributeReplace, "B", "b")}, "A=x,y N=1 B=b"},
		{"delete a value", changes{op(token.AttributeDelete, "A", "Y")}, "A=x N=1"},
		{"delete every value", changes{op(token.AttributeDelete, "A", "y", "x")}, "N=1"},
		{"delete an attribute", changes{op(token.AttributeDelete, "a")}, "N=1"},
		{"delete an absent attribute", changes{op(token.AttributeDelete, "B")}, "STATUS_NOT_FOUND"},
		{"replace all", changes{op(token.AttributeReplaceAll, "B", "b")}, "B=b"},
		{"replace all by nothing", changes{op(token.AttributeReplaceAll, "B")}, ""},
		{"replace all with another operation", changes{op(token.AttributeReplaceAll, "B", "b"),
			op(token.AttributeNone, "B")}, "STATUS_INVALID_PARAMETER"},
		{"all or nothing", changes{op(token.AttributeAdd, "B", "b"), op(token.AttributeDelete, "C")}, "STATUS_NOT_FOUND"},
		{"unknown operation", changes{op(9, "B", "b")}, "STATUS_INVALID_PARAMETER"},
		{"no attribute", changes{{Operation: token.AttributeAdd}}, "STATUS_INVALID_PARAMETER"},
	} {
		n, st := tok.ChangeAttributes(c.changes)
		got := st.String()
		if st == ntstatus.Success {
			got = attributesText(n)
		}
		check.Equal(t, got, c.want, "ChangeAttributes, %s", c.name)
		check.Require(t, attributesText(tok), "A=x,y N=1", "ChangeAttributes, %s: the receiver changed to", c.name)
	}
	check.Equal(t, fmt.Sprint(token.AttributeNone, token.AttributeReplace, token.AttributeReplace+1),
		"NONE REPLACE unknown operation", "names of operations")
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

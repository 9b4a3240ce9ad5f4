package script

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestConstructorArgumentsSetTheirField checks that each argument of a constructor function sets its own field.
func TestConstructorArgumentsSetTheirField(t *testing.T) {
	r := New(Config{Quiet: true})
	defer r.Close()
	v := eval(t, r, `token_with(token(user="BA"), OriginatingLogon=0x11, AuthenticationId=0x12, ParentTokenId=0x13,
    ElevationType=2, SessionId=5)`).(*tokenValue)
	large := eval(t, r, `token(user="BA", userClaims=[{"name": "a", "type": "uint64", "values": [0xFFFFFFFFFFFFFFFF]}])`)
	claim, _ := large.(*tokenValue).t.UserClaims().Lookup("a")
	check.SlicesEqual(t, claim.Uints, []uint64{math.MaxUint64}, "values of a claim")
	s := v.t.Spec()
	check.That(t, s.OriginatingLogon == 0x11 && s.AuthenticationID == 0x12 && s.ParentTokenID == 0x13 &&
		s.ElevationType == 2 && s.SessionID == 5, "token_with = %+v, want each argument in its own field", s)
	groups := func(of ...sid.SID) (list []token.Group) {
		for _, s := range of {
			list = append(list, token.Group{SID: s})
		}
		return list
	}
	limits := eval(t, r, `job_security_limits(SecurityLimitFlags=8, JobToken=0x1C, SidsToDisable=["BU", "BG"],
    PrivilegesToDelete=["SeTcbPrivilege"], RestrictedSids=["WD"])`).(*structValue).v.Interface()
	want := nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: 8, JobToken: 0x1C,
		SidsToDisable: groups(sid.Users, sid.Guests), RestrictedSids: groups(sid.Everyone),
		PrivilegesToDelete: []nt.LUIDAndAttributes{{LUID: winnt.SeTcbPrivilege.LUID()}}})
	check.That(t, reflect.DeepEqual(limits, want), "job_security_limits: %+v, want %+v", limits, want)
	var f token.FilterSpec
	list := func(text string) *starlark.List { return eval(t, r, text).(*starlark.List) }
	err := r.jobFilter(&f, list(`["BU"]`), list(`["SeTcbPrivilege", "SeDebugPrivilege"]`), list(`["WD", "BG"]`))
	check.That(t, err == nil && reflect.DeepEqual(f, token.FilterSpec{Disable: []sid.SID{sid.Users},
		Restrict: groups(sid.Everyone, sid.Guests), Delete: winnt.Privileges(winnt.SeTcbPrivilege,
			winnt.SeDebugPrivilege)}), "filter of the job = %+v, %v, want each list in its own field", f, err)
	a := eval(t, r, `security_attributes(sd="O:SY", `+
		`inherit=True)`).(*structValue).v.Interface().(*win32.SecurityAttributes)
	check.That(t, a.InheritHandle && a.SecurityDescriptor != nil,
		"security_attributes = %+v, want the inherit flag and a descriptor", a)
	for name, user := range map[string]sid.SID{"local service": sid.LocalService, "network service": sid.NetworkService,
		"system": sid.LocalSystem, "anonymous": sid.Anonymous, "administrator": sid.MustParse("S-1-5-21-1-2-3-1001")} {
		v := eval(t, r, fmt.Sprintf("token_profile(%q)", name)).(*tokenValue)
		if v.t.User().SID != user || v.String() != "token_profile("+name+")" {
			t.Errorf("%v belongs to %v, want the given user", v, v.t.User().SID)
		}
		check.Equal(t, v.t.Member(sid.Everyone, false), name != "anonymous", "%v is a member of Everyone", v)
	}
	for _, user := range []string{"S-1-5-21-1-2-3-1107", "S-1-5-21-9-9-9-1107"} {
		eval(t, r, fmt.Sprintf("token(user=%q)", user))
		check.Equal(t, r.domain, sid.MustParse("S-1-5-21-1-2-3"), "domain of aliases after the token of %s", user)
	}
	// A member of the registry's list of every AppContainer that may read it, as Windows shows it.
	const registryRead = "S-1-15-3-1024-1065365936-1281604716-3511738428-1654721687-432734479-3232135806-4053264122-" +
		"3456934681"
	check.Equal(t, eval(t, r, `capability_sid("registryRead")`), starlark.Value(starlark.String(registryRead)),
		"SID of a capability")
}

// TestSystemThreadIsTraced checks that the calls of the system thread are in the transcript, but not those that release
// the objects of the program.
func TestSystemThreadIsTraced(t *testing.T) {
	var out bytes.Buffer
	r := New(Config{Output: &out})
	check.NoError(t, r.Run("p.star", []byte(`system().SeTokenIsAdmin(Token=token_object(token(user="BA"), sd="D:"))
system().PsRevertToSelf()
close_all()`)))
	check.NoError(t, r.Close())
	check.That(t, strings.Contains(out.String(), " SeTokenIsAdmin(Token=token(BA))") &&
		strings.Contains(out.String(), " PsRevertToSelf(") && !strings.Contains(out.String(), "PsDereference"),
		"transcript %q, want the call of the program", &out)
}

// TestHelpIsWrapped checks that lines wider than the terminal continue with an indentation of four columns, and that
// none is wider (U-101).
func TestHelpIsWrapped(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"a b c d e f g", 9, "a b c\n    d e f\n    g"}, {"a b c d e", 9, "a b c d e"}, {"a b c d e f", 8, "a b c d e f"},
		{"  aa bb cc dd", 10, "  aa\n      bb\n      cc\n      dd"}, {"x\n  a b c d e f\ny", 12,
			"x\n  a b\n      c d e\n      f\ny"},
		{"abc\ndef\n", 0, "abc\ndef\n"},
	} {
		check.Equal(t, wrapped(c.text, c.width), c.want, "%q at %d", c.text, c.width)
	}
}

// With JSON output the error of a statement is an object with its position.
func TestStatementErrorIsJSONWithPosition(t *testing.T) {
	for json, want := range map[bool]string{true: `{"error":"input:1:1: undefined: nonsense"}` + "\n",
		false: "error: input:1:1: undefined: nonsense\n"} {
		var b bytes.Buffer
		r := New(Config{Output: &b, JSON: json})
		err := r.Interact(strings.NewReader("nonsense\n"), "")
		check.That(t, err != nil && b.String() == want, "JSON %t: %q, %v, want %q", json, b.String(), err, want)
		check.NoError(t, r.Close())
	}
}

package logon_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Logons at the example's computer: the accounts, the methods, and the reason of a refusal, which only the record
// contains (L-32, L-33, L-34, L-36).
func TestExampleLogonHidesRefusalReason(t *testing.T) {
	m := logon.Example(sid.SID{})
	const user, good, bad = "S-1-5-21-1-2-3-1001", logon.ExamplePassword, logon.Secret("wrong")
	const network, interactive = winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_INTERACTIVE
	added := []token.Group{{SID: sid.MustParse("S-1-5-21-9-9-9-77"), Attributes: token.GroupDefault}}
	type request = logon.Request
	const password, s4u, failure = logon.Password, logon.S4U, ntstatus.LogonFailure
	by := func(p logon.Package, typ winnt.LogonType, name string, secret logon.Secret) request {
		return request{Package: p, Type: typ, Name: name, Password: secret}
	}
	for _, c := range []struct {
		name   string
		r      request
		st     ntstatus.Status
		reason ntstatus.Status
		sid    string // of the account, or ""
	}{
		{"a password", by(password, network, "user", good), 0, 0, user},
		{"a name and its domain", request{Package: password, Type: interactive, Domain: "refmon", Name: "USER",
			Password: good}, 0, 0, user},
		{"the name has a domain of its own", request{Package: password, Type: network, Domain: "other",
			Name: `REFMON\User`, Password: good}, 0, 0, user},
		{"a name followed by the domain", request{Package: password, Type: network, Domain: "other",
			Name: "User@refmon", Password: good}, 0, 0, user},
		{"another domain", request{Package: password, Type: network, Domain: "other", Name: "User", Password: good},
			failure, ntstatus.NoSuchUser, ""},
		{"a wrong password", by(password, network, "User", bad), failure, ntstatus.WrongPassword, user},
		{"no password for an account with one", by(password, interactive, "User", ""), failure, ntstatus.WrongPassword,
			user},
		{"no password for an account without one", by(password, interactive, "Guest", ""), failure,
			ntstatus.WrongPassword, "S-1-5-21-1-2-3-501"},
		{"an unknown name", by(password, network, "zoe", good), failure, ntstatus.NoSuchUser, ""},
		{"a group", by(password, network, "None", good), failure, ntstatus.NoSuchUser, ""},
		{"a logon type without its right", by(password, winnt.LOGON32_LOGON_BATCH, "User", good),
			ntstatus.LogonTypeNotGranted, 0, ""},
		{"no package", by(0, network, "User", good), ntstatus.NoSuchPackage, 0, ""},
		{"an unknown package", by(3, network, "User", good), ntstatus.NoSuchPackage, 0, ""},
		{"a name alone", by(s4u, network, "User", ""), 0, 0, user},
		{"a name alone, without the right", by(s4u, network, "Guest", ""), ntstatus.LogonTypeNotGranted, 0, ""},
		{"a name alone, not over the network", by(s4u, interactive, "User", ""), ntstatus.InvalidLogonType, 0, ""},
		{"an unknown name alone", by(s4u, network, "zoe", ""), ntstatus.NoSuchUser, 0, ""},
		{"no name", by(password, network, "", ""), 0, 0, "S-1-5-7"},
		{"no name, and a password", by(password, network, "", good), failure, ntstatus.NoSuchUser, ""},
		{"no name, not over the network", by(password, interactive, "", ""), failure, ntstatus.NoSuchUser, ""},
		{"groups without the privilege", request{Package: password, Type: network, Name: "User", Password: good,
			Groups: added}, ntstatus.PrivilegeNotHeld, 0, ""},
		{"groups with it", request{Package: password, Type: network, Name: "User", Password: good, Groups: added,
			Tcb: true}, 0, 0, user},
	} {
		got, st := m.LogOn(c.r)
		who := got.Account.SID.String()
		check.That(t, st == c.st && got.Reason == c.reason && who == c.sid,
			"%s: %v, reason %v, account %q, want %v, %v, %q", c.name, st, got.Reason, who, c.st, c.reason, c.sid)
		unchecked := st == ntstatus.NoSuchPackage || st == ntstatus.PrivilegeNotHeld
		check.Equal(t, got.Unchecked, unchecked, "U-92: %s: unchecked", c.name)
		check.Equal(t, !got.Token.User.SID.IsZero(), c.st == ntstatus.Success, "%s: a token is made", c.name)
		if held := len(got.Token.Groups) > 0 && got.Token.Groups[len(got.Token.Groups)-1] == added[0]; held !=
			(c.r.Groups != nil && c.r.Tcb) {
			t.Errorf("L-33: %s: the group is added: %t, want %t", c.name, held, c.r.Groups != nil && c.r.Tcb)
		}
	}
	// A password is NTLM's, and a name alone is what a service asserts (L-82).
	for p, want := range map[logon.Package]string{password: "S-1-5-64-10", s4u: "S-1-18-2"} {
		got, _ := m.LogOn(request{Package: p, Type: network, Name: "User", Password: good, Tcb: true})
		list := sids(got.Token)
		for _, s := range []string{"S-1-5-64-10", "S-1-18-1", "S-1-18-2"} {
			check.Equal(t, slices.Contains(list, s), s == want, "L-82: package %d has %s", p, s)
		}
	}
	for tcb, level := range map[bool]winnt.SecurityImpersonationLevel{false: winnt.SecurityIdentification,
		true: winnt.SecurityImpersonation} {
		got, _ := m.LogOn(request{Package: s4u, Type: network, Name: "User", Tcb: tcb})
		check.Equal(t, got.Token.Level, level, "L-36: a name alone, SeTcbPrivilege %t: level", tcb)
	}
	// A caller's changes to its result do not affect the next one.
	one, _ := m.LogOn(by(password, network, "User", good))
	check.Equal(t, one.Token.Level, winnt.SecurityImpersonation, "level of a password logon without SeTcbPrivilege")
	clear(one.Token.Groups)
	two, _ := m.LogOn(by(password, network, "User", good))
	check.Equal(t, two.Token.Groups[0].SID, sid.MustParse("S-1-5-21-1-2-3-513"), "first group of the next logon")
}

// A name with a domain is an account of that domain only. Without one, well-known names come first. Case is ignored
// (L-12, L-13).
func TestQualifiedNameIsOfItsDomain(t *testing.T) {
	m := check.Must(logon.NewMemory(logon.Settings{Computer: "box", Members: []logon.Member{
		{Person: logon.Person{Account: logon.Account{SID: sid.MustParse("S-1-5-21-1-2-3-1001"), Use: winnt.SidTypeUser,
			Name: "Ann"}}},
		{Person: logon.Person{Account: logon.Account{SID: sid.MustParse("S-1-5-21-1-2-3-1002"), Use: winnt.SidTypeUser,
			Name: "Everyone"}}}}}))
	const ann, everyone = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
	for name, want := range map[string]string{"ann": ann, "ANN": ann, `.\ann`: ann, `box\Ann`: ann, "ann@BOX": ann,
		`other\ann`: "", "ann@other": "", "box": "S-1-5-21-1-2-3", "BOX": "S-1-5-21-1-2-3", `box\box`: "",
		"everyone":     "S-1-1-0",
		`box\everyone`: everyone, `BUILTIN\Users`: "S-1-5-32-545", `box\Users`: "", "": "", "zoe": "",
		strings.Repeat("n", logon.MaxName+1): ""} {
		a, ok := m.LookupName(name)
		check.That(t, ok == (want != "") && a.SID.String() == want,
			"L-12: %.20q is %v, %t, want %q", name, a.SID, ok, want)
	}
	for text, want := range map[string]string{ann: `BOX\Ann`, "S-1-5-21-1-2-3": `BOX\`, "S-1-5-32-545": `BUILTIN\Users`,
		"S-1-1-0": `\Everyone`, "S-1-5-21-1-2-3-999": "", "S-1-5-21-9-9-9": ""} {
		a, ok := m.LookupSID(sid.MustParse(text))
		got := a.Domain + `\` + a.Name
		check.That(t, ok == (want != "") && (!ok || got == want), "%s is %s, %t, want %s", text, got, ok, want)
	}
	for _, m := range []*logon.Memory{m, new(logon.Memory)} {
		if a, ok := m.LookupSID(sid.SID{}); ok {
			t.Errorf("LookupSID of the zero SID = %v, want none", a)
		}
	}
	c := m.Computer()
	check.That(t, c.Domain == "BOX" && c.Use == winnt.SidTypeDomain && c.SID.String() == "S-1-5-21-1-2-3",
		"the computer is %+v, want the domain BOX of type %v with the SID S-1-5-21-1-2-3", c, winnt.SidTypeDomain)
	member := func(text, name string) logon.Member {
		a := logon.Account{SID: sid.MustParse(text), Use: winnt.SidTypeUser, Name: name}
		return logon.Member{Person: logon.Person{Account: a}}
	}
	for name, all := range map[string][]logon.Member{
		"one name twice":    {member(ann, "ann"), member(everyone, "ANN")},
		"one SID twice":     {member(ann, "ann"), member(ann, "bob")},
		"no name":           {member(ann, "")},
		"of another domain": {member("S-1-5-21-1-2-4-1001", "ann")},
	} {
		if m, err := logon.NewMemory(logon.Settings{Members: all}); err == nil || m != nil {
			t.Errorf("NewMemory, %s: no error, want one", name)
		}
	}
}

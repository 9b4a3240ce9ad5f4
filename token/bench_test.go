package token_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// manyGroups is a standard user in n groups of a domain, every third of them
// disabled when some is set.
func manyGroups(n int, some bool) token.Spec {
	s := token.StandardUser(account(1001))
	s.Groups = nil
	for i := range n {
		g := token.Group{SID: account(uint32(5000 + i)), Attributes: token.GroupDefault}
		if some && i%3 == 0 {
			g.Attributes = winnt.SE_GROUP_OWNER
		}
		s.Groups = append(s.Groups, g)
	}
	return s
}

// account is S-1-5-21-1-2-3-rid, the domain of the conformance cases.
func account(rid uint32) sid.SID {
	s, _ := sid.New(5, 21, 1, 2, 3, rid)
	return s
}

func must(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	tok, err := token.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

var sink *token.Token

func BenchmarkDuplicate(b *testing.B) {
	t := must(b, manyGroups(200, true))
	b.ReportAllocs()
	for b.Loop() {
		sink = t.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	}
}

func BenchmarkAdjustOnePrivilege(b *testing.B) {
	t := must(b, manyGroups(200, true))
	on := []token.PrivilegeChange{{LUID: winnt.SeShutdownPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}
	b.ReportAllocs()
	for b.Loop() {
		sink, _, _ = t.AdjustPrivileges(7, false, on)
	}
}

func BenchmarkEffectiveOnly200(b *testing.B) {
	t := must(b, manyGroups(200, true))
	b.ReportAllocs()
	for b.Loop() {
		sink = t.EffectiveOnly()
	}
}

func BenchmarkNew1000(b *testing.B) {
	s := manyGroups(1000, true)
	b.ReportAllocs()
	for b.Loop() {
		sink, _ = token.New(s)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sink, _ = token.Parse([]byte(designExample))
	}
}

// The budgets in allocations; those in time are read off the benchmarks.
func TestAllocations(t *testing.T) {
	tok := must(t, manyGroups(200, true))
	on := []token.PrivilegeChange{{LUID: winnt.SeShutdownPrivilege.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}}
	for _, c := range []struct {
		name string
		want float64
		f    func()
	}{
		{"duplicate", 1, func() { sink = tok.WithTypeLevel(winnt.TokenImpersonation, 2) }},
		{"adjust one privilege", 2, func() { sink, _, _ = tok.AdjustPrivileges(7, false, on) }},
		{"effective only", 3, func() { sink = tok.EffectiveOnly() }},
		{"flags", 0, func() { _ = tok.Flags() }},
		{"member", 0, func() { _ = tok.Member(sid.Everyone, false) }},
	} {
		if got := testing.AllocsPerRun(100, c.f); got > c.want {
			t.Errorf("%s: %v allocations, want at most %v", c.name, got, c.want)
		}
	}
}

const designExample = `{"user":"S-1-5-21-1-2-3-1107",
 "groups":["DU",{"sid":"S-1-5-21-1-2-3-2001","attributes":["UseForDenyOnly"]}],
 "privileges":["SeChangeNotifyPrivilege",{"name":"SeBackupPrivilege","attributes":[]}],
 "type":"Impersonation","impersonationLevel":"Impersonation",
 "integrityLevel":"Medium","mandatoryPolicy":["NoWriteUp","NewProcessMin"],
 "owner":"S-1-5-21-1-2-3-1107","primaryGroup":"DU","defaultDacl":"D:(A;;GA;;;SY)",
 "restrictedSids":[],"writeRestricted":false,
 "appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":["S-1-15-3-1"],"lowPrivilege":false},
 "userClaims":[{"name":"Department","type":"string","values":["Engineering"]}],"deviceClaims":[],"deviceGroups":[],
 "authenticationId":"0x3e7","sessionId":0,"source":"User32"}`

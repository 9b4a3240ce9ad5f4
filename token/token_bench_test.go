package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

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

// Each operation stays within its budget of allocations. The benchmarks show the times.
func TestAdjustmentsAllocateLittle(t *testing.T) {
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
		got := testing.AllocsPerRun(100, c.f)
		check.That(t, got <= c.want, "%s: %v allocations, want at most %v", c.name, got, c.want)
	}
}

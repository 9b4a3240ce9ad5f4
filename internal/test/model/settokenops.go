package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// setting draws what a class is set to: mostly a value that it takes.
func (a *args) setting() *Setting {
	classes := []winnt.TokenInfoClass{}
	for class := winnt.TokenInfoClass(1); class <= 50; class++ {
		if _, ok := settables[class]; ok {
			classes = append(classes, class)
		}
	}
	s := &Setting{Class: choose(a, classes...), Length: 1<<32 - 1}
	row := settables[s.Class]
	switch s.Class {
	case winnt.TokenOwner, winnt.TokenPrimaryGroup:
		s.Name = choose(a, Service, Alice, Staff, Users, Admins, Everyone, LogonSID)
	case winnt.TokenDefaultDacl:
		if n := choose(a, -1, 0, 1, 2, 13, 14); n >= 0 {
			s.List = slices.Repeat([]Entry{{Name: choose(a, Service, Alice, Bob), Mask: choose(a, masks...)}}, n)
		}
	case winnt.TokenIntegrityLevel:
		s.Number = choose[uint32](a, 0, low, medium, high, systemLevel, 0x2345)
		if a.coin(8) {
			s.Name = Staff
		}
	case winnt.TokenBnoIsolation:
		s.Prefix = choose(a, nt.TokenBnoIsolation{}, nt.TokenBnoIsolation{IsolationPrefix: "x1", IsolationEnabled: true},
			nt.TokenBnoIsolation{IsolationPrefix: "x2", IsolationEnabled: true},
			nt.TokenBnoIsolation{IsolationPrefix: "x"}, nt.TokenBnoIsolation{IsolationEnabled: true})
	case winnt.TokenChildProcessFlags:
		s.Number = choose[uint32](a, 0, 1, 2, 4, 7, 3, 8)
	default:
		s.Number = choose[uint32](a, 0, 0, 0, 1, 1, 1, 3, 4)
	}
	switch a.n(16) {
	case 0:
		s.Class = winnt.TokenInfoClass(a.n(52)) // mostly one that cannot be set
		if _, ok := settables[s.Class]; ok || s.Class == winnt.TokenLinkedToken ||
			s.Class == winnt.TokenSecurityAttributes {
			s.Class = winnt.TokenStatistics
		}
	case 1:
		s.Length = row.size - 1
	case 2:
		s.Length = row.size + 4
	}
	return s
}

// setToken draws a call of NtSetInformationToken.
func setToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, s := p.handle(c, a, a.with(isToken, 0x180)), a.setting()
	c.text = fmt.Sprintf("%s(%s, %+v)", c.name("SetInformationToken"), h, *s)
	c.model = func() Result { return p.M.SetToken(p.caller(c), h, s) }
	c.kernel = func() Result {
		_, st := p.services(c).NtSetInformationToken(nt.SetInformationTokenIn{TokenHandle: h,
			TokenInformationClass: s.Class, TokenInformation: nt.Cap(s.value()), TokenInformationLength: s.Length})
		return Result{Status: st}
	}
	return true
}

// compareTokens draws a call of NtCompareTokens.
func compareTokens(p *Pair, c *call, a *args) bool {
	c.mode(a)
	first, second := p.queryHandle(c, a), p.queryHandle(c, a)
	if t, st := p.M.queried(p.caller(c), first, 0); st == ntstatus.Success && a.coin(2) {
		// An equal token, where there is one.
		second = p.handle(c, a, func(s *Slot) bool {
			return s.Token != nil && s.Token != t && s.Token.Value.equal(&t.Value)
		}, second)
	}
	c.text = fmt.Sprintf("%s(%s, %s)", c.name("CompareTokens"), first, second)
	c.model = func() Result { return p.M.CompareTokens(p.caller(c), first, second) }
	c.kernel = func() Result {
		out, st := p.services(c).NtCompareTokens(nt.CompareTokensIn{FirstTokenHandle: first, SecondTokenHandle: second})
		return Result{Status: st, Flag: out.Equal}
	}
	return true
}

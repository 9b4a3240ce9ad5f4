package services_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// phonebook is an authority with two domains of one user each, and a group without a domain.
type phonebook struct{ *logon.Memory }

var (
	here  = logon.Account{SID: sid.MustParse("S-1-5-21-1-1-1"), Use: winnt.SidTypeDomain, Domain: "HERE"}
	there = logon.Account{SID: sid.MustParse("S-1-5-21-2-2-2"), Use: winnt.SidTypeDomain, Domain: "THERE"}
	book  = map[string]logon.Account{"here": domain(here), "there": domain(there),
		"ann": {SID: here.SID.WithRID(1000), Use: winnt.SidTypeUser, Domain: "HERE", DomainSID: here.SID, Name: "ann"},
		"bob": {SID: there.SID.WithRID(2000), Use: winnt.SidTypeGroup, Domain: "THERE", DomainSID: there.SID,
			Name: "bob"},
		"everyone": {SID: sid.Everyone, Use: winnt.SidTypeWellKnownGroup, Name: "Everyone"}}
)

func domain(a logon.Account) logon.Account {
	a.DomainSID = a.SID
	return a
}

func (phonebook) LookupName(name string) (logon.Account, bool) {
	a, ok := book[strings.ToLower(name)]
	return a, ok
}

func (phonebook) LookupSID(s sid.SID) (logon.Account, bool) {
	for _, a := range book {
		if a.SID == s {
			return a, true
		}
	}
	return logon.Account{}, false
}

func (phonebook) Computer() logon.Account { return domain(here) }

// Each name and SID has its result at its own index. The result has an index into a list that names each domain once,
// in order of first use (L-43, L-44, L-46, L-47).
func TestLookupResultsKeepOrderOfInput(t *testing.T) {
	w := newWorld(t, kernel.Config{LSA: phonebook{logon.Example(sid.SID{})}})
	th, _ := w.thread(w.process("p"))
	for name, wanted := range map[string]ntstatus.Status{"": 0, "HERE": 0, `\\here`: 0, `\here`: 0,
		"THERE": ntstatus.ObjectNameNotFound, "ann": ntstatus.ObjectNameNotFound, `\\`: ntstatus.ObjectNameNotFound,
		"nowhere": ntstatus.ObjectNameNotFound} {
		desired := winnt.POLICY_LOOKUP_NAMES
		if wanted != ntstatus.Success {
			desired = winnt.ACCESS_SYSTEM_SECURITY // the name is checked before the privilege
		}
		want(t, "the policy of "+name, check.Status(th.Services().LsaOpenPolicy(nt.LsaOpenPolicyIn{SystemName: name,
			DesiredAccess: desired})), wanted)
	}
	opened := check.Result(th.Services().LsaOpenPolicy(nt.LsaOpenPolicyIn{DesiredAccess: winnt.POLICY_LOOKUP_NAMES |
		winnt.POLICY_VIEW_LOCAL_INFORMATION}))
	policy := opened.PolicyHandle
	trusts := func(list []nt.TrustInformation) (text string) {
		for _, d := range list {
			text += fmt.Sprintf("%s %s,", d.Name, d.SID)
		}
		return text
	}
	const both = "THERE S-1-5-21-2-2-2,HERE S-1-5-21-1-1-1,"
	for names, c := range map[string]struct {
		status        ntstatus.Status
		want, domains string
	}{
		"bob ann bob": {ntstatus.Success,
			"2 S-1-5-21-2-2-2-2000 0,1 S-1-5-21-1-1-1-1000 1,2 S-1-5-21-2-2-2-2000 0,", both},
		`there\x ann zoe there`: {ntstatus.SomeNotMapped, "8  0,1 S-1-5-21-1-1-1-1000 1,8  -1,3 S-1-5-21-2-2-2 0,",
			both},
		`nowhere\ann ann\x there\x`: {ntstatus.NoneMapped, "8  -1,8  -1,8  0,", "THERE S-1-5-21-2-2-2,"},
	} {
		out, st := th.Services().LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: policy,
			Names: strings.Fields(names)})
		want(t, names, st, c.status)
		var got string
		for _, s := range out.SIDs {
			text := s.SID.String()
			if s.SID.IsZero() {
				text = ""
			}
			got += fmt.Sprintf("%d %s %d,", s.Use, text, s.DomainIndex)
		}
		if d := trusts(out.ReferencedDomains); got != c.want || d != c.domains {
			t.Errorf("lookup of names %s: %s in domains %s, want %s in %s", names, got, d, c.want, c.domains)
		}
	}
	for sids, c := range map[string]struct {
		status        ntstatus.Status
		want, domains string
	}{
		"S-1-5-21-2-2-2-2000 S-1-5-21-1-1-1-1000": {ntstatus.Success, "2 bob 0,1 ann 1,", both},
		"S-1-5-21-2-2-2-4026531999 S-1-5-21-9-9-9-1 S-1-5-21-1-1-1": {ntstatus.SomeNotMapped,
			"8 F000009F 0,8 S-1-5-21-9-9-9-1 -1,3  1,", both},
		"S-1-5-21-9-9-9-1 0": {ntstatus.NoneMapped, "8 S-1-5-21-9-9-9-1 -1,7  -1,", ""},
	} {
		var list []sid.SID
		for _, s := range strings.Fields(sids) {
			one, _ := sid.Parse(s) // 0 is not a SID
			list = append(list, one)
		}
		out, st := th.Services().LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: policy, SIDs: list})
		want(t, sids, st, c.status)
		var got string
		for _, n := range out.Names {
			got += fmt.Sprintf("%d %s %d,", n.Use, n.Name, n.DomainIndex)
		}
		if d := trusts(out.ReferencedDomains); got != c.want || d != c.domains {
			t.Errorf("lookup of SIDs %s: %s in domains %s, want %s in %s", sids, got, d, c.want, c.domains)
		}
	}
	for class, wanted := range map[uint32]nt.PolicyInformation{
		uint32(winnt.PolicyPrimaryDomainInformation): {DomainName: "WORKGROUP"},
		uint32(winnt.PolicyAccountDomainInformation): {DomainName: "HERE", DomainSID: here.SID}} {
		in := nt.LsaQueryInformationPolicyIn{PolicyHandle: policy}
		in.InformationClass = winnt.PolicyPrimaryDomainInformation
		if class == uint32(winnt.PolicyAccountDomainInformation) {
			in.InformationClass = winnt.PolicyAccountDomainInformation
		}
		out, st := th.Services().LsaQueryInformationPolicy(in)
		if want(t, "query the policy", st, ntstatus.Success); !reflect.DeepEqual(out.Buffer, wanted) {
			t.Errorf("policy information class %d: %+v, want %+v", class, out.Buffer, wanted)
		}
	}
	event := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	_, st := th.Services().LsaClose(nt.LsaCloseIn{ObjectHandle: event})
	want(t, "close an event as a policy", st, ntstatus.ObjectTypeMismatch)
	_, st = th.Services().LsaClose(nt.LsaCloseIn{ObjectHandle: policy})
	want(t, "close the policy", st, ntstatus.Success)
	_, st = th.Services().LsaClose(nt.LsaCloseIn{ObjectHandle: policy})
	want(t, "close it again", st, ntstatus.InvalidHandle)
}

// A policy handle can be closed whatever rights it has. A handle with one right is enough for the calls that need
// only that right (L-40, O-31).
func TestPolicyCallNeedsOnlyItsOwnRight(t *testing.T) {
	th := newThread(t)
	s := th.Services()
	for _, granted := range []winnt.AccessMask{winnt.POLICY_LOOKUP_NAMES, winnt.POLICY_VIEW_LOCAL_INFORMATION,
		winnt.READ_CONTROL} {
		out := check.Result(s.LsaOpenPolicy(nt.LsaOpenPolicyIn{DesiredAccess: granted}))
		is := func(right winnt.AccessMask) ntstatus.Status {
			if granted&right != 0 {
				return ntstatus.Success
			}
			return ntstatus.AccessDenied
		}
		_, st := s.LsaQueryInformationPolicy(nt.LsaQueryInformationPolicyIn{PolicyHandle: out.PolicyHandle,
			InformationClass: winnt.PolicyAccountDomainInformation})
		want(t, "query", st, is(winnt.POLICY_VIEW_LOCAL_INFORMATION))
		_, st = s.LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: out.PolicyHandle})
		want(t, "look names up", st, is(winnt.POLICY_LOOKUP_NAMES))
		_, st = s.LsaLookupSids(nt.LsaLookupSidsIn{PolicyHandle: out.PolicyHandle})
		want(t, "look SIDs up", st, is(winnt.POLICY_LOOKUP_NAMES))
		check.Success(t, check.Status(s.LsaClose(nt.LsaCloseIn{ObjectHandle: out.PolicyHandle})))
	}
}

// A lookup of more SIDs or names than the limit fails before the handle is checked (L-45).
func TestLookupLimitPrecedesHandle(t *testing.T) {
	_, th := userThread(t, token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001")))
	for n, want := range map[int]ntstatus.Status{nt.MaxLookup: ntstatus.InvalidHandle,
		nt.MaxLookup + 1: ntstatus.InvalidParameter} {
		check.Equal(t, check.Status(th.LsaLookupSids(0x777, make([]sid.SID, n)...)), want,
			"L-45: lookup of %d SIDs with an invalid handle", n)
		check.Equal(t, check.Status(th.LsaLookupNames2(0x777, make([]string, n)...)), want,
			"L-45: lookup of %d names with an invalid handle", n)
	}
}

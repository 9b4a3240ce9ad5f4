package logon_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Each logon right has its documented name, which is unique. A set has the names of its members in order ("Account
// Rights Constants").
func TestLogonRightsHaveDocumentedNames(t *testing.T) {
	names := []string{"SeInteractiveLogonRight", "SeNetworkLogonRight", "SeBatchLogonRight", "SeServiceLogonRight",
		"SeRemoteInteractiveLogonRight", "SeDenyInteractiveLogonRight", "SeDenyNetworkLogonRight", "SeDenyBatchLogonRight",
		"SeDenyServiceLogonRight", "SeDenyRemoteInteractiveLogonRight"}
	rights := []logon.Rights{logon.SeInteractiveLogonRight, logon.SeNetworkLogonRight, logon.SeBatchLogonRight,
		logon.SeServiceLogonRight, logon.SeRemoteInteractiveLogonRight, logon.SeDenyInteractiveLogonRight,
		logon.SeDenyNetworkLogonRight, logon.SeDenyBatchLogonRight, logon.SeDenyServiceLogonRight,
		logon.SeDenyRemoteInteractiveLogonRight}
	var all logon.Rights
	for i, r := range rights {
		all |= r
		check.Equal(t, logon.ParseRight(names[i]), r, "%s", names[i])
		if got := r.Names(); !slices.Equal(got, names[i:i+1]) {
			t.Errorf("%#x is named %q, want %s", r, got, names[i])
		}
		check.SlicesEqual(t, all.Names(), names[:i+1], "%#x is named", all)
	}
	for _, name := range []string{"", "SeBackupPrivilege", "seinteractivelogonright", "SeInteractiveLogonRight "} {
		check.Equal(t, logon.ParseRight(name), 0, "%q", name)
	}
	if got := logon.Rights(0).Names(); got != nil {
		t.Errorf("no rights are %q, want nil", got)
	}
}

// A name of 1,024 bytes is looked up, a longer one is not, even if an account has it.
func TestLongNamesAreNotLookedUp(t *testing.T) {
	var members []logon.Member
	for i, n := range []int{1024, 1025} {
		a := logon.Account{SID: sid.MustParse("S-1-5-21-1-2-3").WithRID(uint32(2000 + i)), Use: winnt.SidTypeUser,
			Name: strings.Repeat("n", n)}
		members = append(members, logon.Member{Person: logon.Person{Account: a}})
	}
	m := check.Must(logon.NewMemory(logon.Settings{Members: members}))
	for i, found := range []bool{true, false} {
		if a, ok := m.LookupName(members[i].Account.Name); ok != found || found && a.SID != members[i].Account.SID {
			t.Errorf("LookupName of %d bytes: %v, %t, want %t", len(members[i].Account.Name), a.SID, ok, found)
		}
	}
}

// TestWellKnownDomainsAreFoundBothWays looks up each domain by name and SID. Its account has the
// type domain and no name.
func TestWellKnownDomainsAreFoundBothWays(t *testing.T) {
	for text, name := range map[string]string{"S-1-5-32": "BUILTIN", "S-1-5-80": "NT SERVICE",
		"S-1-5-83": "NT VIRTUAL MACHINE"} {
		s := sid.MustParse(text)
		want := logon.Account{SID: s, Use: winnt.SidTypeDomain, Domain: name, DomainSID: s}
		if a, ok := logon.WellKnownSID(s); !ok || a != want {
			t.Errorf("%s: %+v, %t, want %+v, true", text, a, ok, want)
		}
		if a, ok := logon.WellKnownName(strings.ToLower(name)); !ok || a != want {
			t.Errorf("%s: %+v, %t, want %+v, true", name, a, ok, want)
		}
	}
}

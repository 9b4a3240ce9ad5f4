package logon_test

import (
	"net/netip"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func TestNetworkGroupsAddresses(t *testing.T) {
	for at, want := range map[string]string{"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8:0:1::9": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64"} {
		check.Equal(t, logon.Network(netip.MustParseAddr(at)).String(), want, "%s counts as", at)
	}
	got := logon.Network(netip.Addr{})
	check.That(t, !got.IsValid(), "Network of the zero address = %v, want the zero value", got)
}

// Only a network logon without name and password is Anonymous (L-34), and only it accepts a name alone (L-36). For a
// package that requires a name, a missing name is not Anonymous.
func TestOnlyNetworkLogonIsAnonymous(t *testing.T) {
	m := logon.Example(sid.MustParse("S-1-5-21-7-8-9"))
	if a, ok := m.LookupName("User"); !ok || a.SID.String() != "S-1-5-21-7-8-9-1001" {
		t.Errorf("User of a machine with a SID of its own = %v, %t, want S-1-5-21-7-8-9-1001", a.SID, ok)
	}
	for kind := winnt.LogonType(0); kind < 16; kind++ {
		network := kind == winnt.LOGON32_LOGON_NETWORK
		nameless := logon.Request{Package: logon.Password, Type: kind}
		if got, st := m.LogOn(nameless); nameless.IsAnonymous() != network || (st == ntstatus.Success) != network ||
			(got.Account.SID == sid.Anonymous) != network {
			t.Errorf("L-34: type %d without name and password: %v, %v, want Anonymous: %t",
				kind, got.Account.SID, st, network)
		}
		want := ntstatus.InvalidLogonType
		if network {
			want = ntstatus.Success
		}
		check.Equal(t, check.Status(m.LogOn(logon.Request{Package: logon.S4U, Type: kind, Name: "User", Tcb: true})), want,
			"L-36: type %d by name alone", kind)
	}
	for _, p := range []logon.Package{0, logon.S4U, logon.Ticket} {
		r := logon.Request{Package: p, Type: winnt.LOGON32_LOGON_NETWORK}
		if got, st := m.LogOn(r); r.IsAnonymous() || st == ntstatus.Success {
			t.Errorf("L-34: package %d without a name: %v, %v, want a failure", p, got.Account.SID, st)
		}
	}
}

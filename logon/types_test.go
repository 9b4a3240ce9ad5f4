package logon_test

import (
	"testing"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestNetworkAlone: of all types of logon that of the network alone is Anonymous without name and password
// (L-34), and takes a name alone (L-36). A package that needs a name does not make its lack one of Anonymous.
func TestNetworkAlone(t *testing.T) {
	m := logon.Example(sid.SID{})
	for kind := winnt.LogonType(0); kind < 16; kind++ {
		network := kind == winnt.LOGON32_LOGON_NETWORK
		nameless := logon.Request{Package: logon.Password, Type: kind}
		if got, st := m.LogOn(nameless); nameless.IsAnonymous() != network || (st == ntstatus.Success) != network ||
			(got.Account.SID == sid.Anonymous) != network {
			t.Errorf("L-34: type %d without name and password: %v, %v", kind, got.Account.SID, st)
		}
		want := ntstatus.InvalidLogonType
		if network {
			want = ntstatus.Success
		}
		if _, st := m.LogOn(logon.Request{Package: logon.S4U, Type: kind, Name: "User", Tcb: true}); st != want {
			t.Errorf("L-36: type %d by name alone: %v, want %v", kind, st, want)
		}
	}
	for _, p := range []logon.Package{0, logon.S4U, logon.Ticket} {
		r := logon.Request{Package: p, Type: winnt.LOGON32_LOGON_NETWORK}
		if got, st := m.LogOn(r); r.IsAnonymous() || st == ntstatus.Success {
			t.Errorf("L-34: package %d without a name: %v, %v", p, got.Account.SID, st)
		}
	}
}

// TestFullOnce: the full token comes first where the pair has it second, and stays first (L-51).
func TestFullOnce(t *testing.T) {
	of := func(k uint32) token.Spec { return token.Spec{ElevationType: k} }
	full, limited := of(winnt.TokenElevationTypeFull), of(winnt.TokenElevationTypeLimited)
	for name, r := range map[string]logon.Result{"limited first": {Token: limited, Linked: &full},
		"full first": {Token: full, Linked: &limited}} {
		once := r.Full()
		for _, got := range []logon.Result{once, once.Full()} {
			if got.Token.ElevationType != winnt.TokenElevationTypeFull ||
				got.Linked.ElevationType != winnt.TokenElevationTypeLimited {
				t.Errorf("L-51: %s: %v, linked %v", name, got.Token.ElevationType, got.Linked.ElevationType)
			}
		}
	}
	if r := (logon.Result{Token: limited}).Full(); r.Token.ElevationType != limited.ElevationType || r.Linked != nil {
		t.Errorf("L-51: a token without a pair: %+v", r)
	}
}

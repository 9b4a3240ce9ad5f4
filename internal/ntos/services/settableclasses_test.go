package services_test

import (
	"math/bits"
	"reflect"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A settable is a class that can be set, as 20 section 11 lists it.
type settable struct {
	right     winnt.AccessMask
	privilege winnt.Privilege
	length    uint32 // the one length of a fixed class, the least of a variable one
	variable  bool
	keeps     bool // ModifiedId
	value     any  // that fits
	wrong     any  // of the right kind, and not fitting; nil: each fits
	refusal   ntstatus.Status
}

var settables = map[winnt.TokenInfoClass]settable{
	winnt.TokenOwner: {length: 8, variable: true, value: sid.MustParse(client), wrong: sid.LocalSystem,
		refusal: ntstatus.InvalidOwner},
	winnt.TokenPrimaryGroup: {length: 8, variable: true, value: sid.Everyone, wrong: sid.LocalSystem,
		refusal: ntstatus.InvalidPrimaryGroup},
	winnt.TokenDefaultDacl: {length: 8, variable: true, value: (*sd.ACL)(nil)},
	winnt.TokenSessionId: {right: winnt.TOKEN_ADJUST_SESSIONID, privilege: winnt.SeTcbPrivilege, length: 4,
		value: uint32(7)},
	winnt.TokenSessionReference: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(0),
		wrong: uint32(1), refusal: ntstatus.InvalidParameter},
	winnt.TokenAuditPolicy: {privilege: winnt.SeTcbPrivilege, length: 30, keeps: true, value: make([]byte, 30),
		wrong: make([]byte, 29), refusal: ntstatus.InvalidParameter},
	winnt.TokenOrigin: {privilege: winnt.SeTcbPrivilege, length: 8, value: winnt.LUID(77)},
	winnt.TokenVirtualizationAllowed: {privilege: winnt.SeCreateTokenPrivilege, length: 4, keeps: true,
		value: uint32(1), wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenVirtualizationEnabled: {length: 4, keeps: true, value: uint32(1), wrong: uint32(2),
		refusal: ntstatus.InvalidParameter},
	winnt.TokenIntegrityLevel: {length: 16, variable: true, value: sid.LowLevel, wrong: sid.Everyone,
		refusal: ntstatus.InvalidParameter},
	winnt.TokenUIAccess: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(1),
		wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenMandatoryPolicy: {privilege: winnt.SeTcbPrivilege, length: 4, value: uint32(1), wrong: uint32(4),
		refusal: ntstatus.InvalidParameter},
	winnt.TokenSecurityAttributes: {privilege: winnt.SeTcbPrivilege, length: 16, variable: true, keeps: true,
		value: []token.AttributeChange{{Operation: token.AttributeReplaceAll,
			Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{1}}}},
		wrong: []token.AttributeChange{{Operation: 99}}, refusal: ntstatus.InvalidParameter},
	winnt.TokenPrivateNameSpace: {privilege: winnt.SeTcbPrivilege, length: 4, keeps: true, value: uint32(1),
		wrong: uint32(2), refusal: ntstatus.InvalidParameter},
	winnt.TokenBnoIsolation: {privilege: winnt.SeTcbPrivilege, length: 16, keeps: true,
		value: nt.TokenBnoIsolation{IsolationEnabled: true, IsolationPrefix: "x"},
		wrong: nt.TokenBnoIsolation{IsolationPrefix: "x"}, refusal: ntstatus.InvalidParameter},
	winnt.TokenChildProcessFlags: {length: 4, keeps: true, value: nt.ChildProcessNone, wrong: uint32(8),
		refusal: ntstatus.InvalidParameter},
}

// T-90: each class that can be set takes its own length, right and privilege, each of them alone and
// no other, refuses what does not fit and then changes nothing, and gives the token a new ModifiedId or
// keeps it.
func TestEachSettableClass(t *testing.T) {
	var all []winnt.Privilege
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		all = append(all, p)
	}
	w := newWorld(t, kernel.Config{})
	plain, k := w.thread(w.process("plain", winnt.SeSecurityPrivilege)) // which the query of the audit policy needs
	for c := range winnt.MaxTokenInfoClass + 2 {
		row, known := settables[c]
		if c == winnt.TokenLinkedToken {
			continue // TestLinkNeedsAPair and its like
		}
		name := c.String()
		spec := token.StandardUser(sid.MustParse(client))
		if c == winnt.TokenVirtualizationEnabled {
			spec.Flags |= winnt.TOKEN_VIRTUALIZE_ALLOWED
		}
		v, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		tok := k.NewToken(v)
		defer k.PsDereferencePrimaryToken(tok)
		open := func(by *nt.Thread, rights winnt.AccessMask) winnt.Handle {
			h, st := w.sys.KernelMode(by).ObOpenObjectByPointer(tok, 0, rights, winnt.TokenObject, kernel.KernelMode)
			want(t, "open the token", st, ntstatus.Success)
			return h
		}
		set := func(by *nt.Thread, rights winnt.AccessMask, length uint32, value any, wanted ntstatus.Status) {
			t.Helper()
			before := tok.Value()
			_, st := by.Services().NtSetInformationToken(nt.SetInformationTokenIn{TokenHandle: open(by, rights),
				TokenInformationClass: c, TokenInformation: nt.Cap(value), TokenInformationLength: length})
			want(t, name, st, wanted)
			if after := tok.Value(); st != ntstatus.Success && before != after {
				t.Errorf("%s: the token has changed in spite of %v", name, st)
			} else if kept := before.ModifiedID() == after.ModifiedID(); st == ntstatus.Success && kept != row.keeps {
				t.Errorf("%s: ModifiedId is kept: %v, want %v", name, kept, row.keeps)
			}
		}
		if !known {
			set(plain, winnt.TOKEN_QUERY, 4, uint32(0), ntstatus.InvalidInfoClass)
			continue
		}
		need := winnt.TOKEN_ADJUST_DEFAULT | row.right
		own, other := plain, plain
		if row.privilege != 0 {
			var rest []winnt.Privilege
			for _, p := range all {
				if p != row.privilege {
					rest = append(rest, p)
				}
			}
			own, _ = w.thread(w.process("own", row.privilege))
			other, _ = w.thread(w.process("other", rest...))
		}
		for left := need; left != 0; left &= left - 1 {
			bit := winnt.AccessMask(1) << bits.TrailingZeros32(uint32(left))
			set(plain, winnt.TOKEN_ALL_ACCESS&^bit, row.length, row.value, ntstatus.AccessDenied)
		}
		set(plain, need, row.length-1, row.value, ntstatus.InfoLengthMismatch)
		if !row.variable {
			set(plain, need, row.length+1, row.value, ntstatus.InfoLengthMismatch)
			set(plain, need, 0, row.value, ntstatus.InfoLengthMismatch)
		}
		if row.privilege != 0 {
			set(other, need, row.length, row.value, ntstatus.PrivilegeNotHeld)
		}
		set(own, need, row.length, struct{}{}, ntstatus.InvalidParameter)
		if row.wrong != nil {
			set(own, need, row.length, row.wrong, row.refusal)
		}
		set(own, need, row.length, row.value, ntstatus.Success)
		if got, st := plain.NtQueryInformationToken(open(plain, winnt.TOKEN_QUERY), c); st == ntstatus.Success {
			if g, ok := got.(token.Group); ok {
				got = g.SID
			}
			if list, ok := got.([]claims.Attribute); ok && len(list) == 1 {
				got, row.value = list[0].Name, "a"
			}
			if !reflect.DeepEqual(got, row.value) {
				t.Errorf("%s: %v was set, %v is told", name, row.value, got)
			}
		} else if st != ntstatus.InvalidInfoClass {
			t.Errorf("%s: query: %v", name, st)
		}
	}
}

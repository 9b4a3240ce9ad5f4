package ob_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	ownEvent  = "O:SYG:SYD:(A;;GA;;;SY)(A;;0x1f0003;;;" + alice + ")"
	ownThread = "O:SYG:SYD:(A;;GA;;;" + alice + ")"
	noRights  = "O:SYG:SYD:(A;;GA;;;SY)"
)

func TestRequestedRightsAreMapped(t *testing.T) { // O-20, O-21, O-90
	w := newWorld(t)
	event, tok := protected(eventType, ownEvent), protected(tokenType, "O:SYG:SYD:(A;;GA;;;"+alice+")")
	// O-20
	for _, reserved := range []winnt.AccessMask{0x00200000, 0x00400000, 0x00800000, 0x04000000, 0x08000000,
		0xFFFFFFFF} {
		w.want("reserved bits", w.decide(event, reserved|1, 0), ntstatus.AccessDenied, 0)
	}
	w.want("generic read", w.decide(event, winnt.GENERIC_READ, 0), ntstatus.Success, 0x20001) // O-21
	w.want("a bit the type lacks", w.decide(event, 0x8001, 0), ntstatus.AccessDenied, 0)
	w.want("generic all", w.decide(event, winnt.GENERIC_ALL, 0), ntstatus.Success, winnt.EVENT_ALL_ACCESS)
	w.want("SYNCHRONIZE of a token", w.decide(tok, winnt.SYNCHRONIZE|winnt.TOKEN_QUERY, 0), ntstatus.Success,
		winnt.TOKEN_QUERY)
	w.want("SYNCHRONIZE of a link", w.decide(newObject(ob.SymbolicLinkType, nil), winnt.SYNCHRONIZE|1, 0),
		ntstatus.AccessDenied, 0)
	w.want("another right of a token", w.decide(tok, winnt.SYNCHRONIZE, 0), ntstatus.AccessDenied, 0)
	// MAXIMUM_ALLOWED that matches only bits that the type does not define is a denial (O-21).
	w.want("only bits the type lacks", w.decide(protected(eventType, "O:SYG:SYD:(A;;0x8000;;;"+alice+")"),
		winnt.MAXIMUM_ALLOWED, 0), ntstatus.AccessDenied, 0)
	w.want("OC-51: nothing", w.decide(event, 0, 0), ntstatus.AccessDenied, 0) // O-90
	w.kernel(func() {
		w.want("nothing in kernel mode", w.decide(event, 0, 0), ntstatus.Success, 0)
		w.want("reserved bits in kernel mode", w.decide(event, 0x00200000, 0), ntstatus.AccessDenied, 0)
	})
	w.want("nothing, no descriptor", w.decide(newObject(eventType, nil), 0, 0), ntstatus.Success, 0)
}

func TestKernelModeIsNotChecked(t *testing.T) { // O-33
	w := newWorld(t)
	event := protected(eventType, noRights)
	w.want("user mode", w.decide(event, winnt.EVENT_MODIFY_STATE, 0), ntstatus.AccessDenied, 0)
	w.kernel(func() {
		w.want("kernel mode", w.decide(event, winnt.EVENT_MODIFY_STATE|winnt.ACCESS_SYSTEM_SECURITY, 0),
			ntstatus.Success, 0x1000002)
		w.want("everything", w.decide(event, winnt.MAXIMUM_ALLOWED, 0), ntstatus.Success, winnt.EVENT_ALL_ACCESS)
		w.want("forced", w.decide(event, winnt.EVENT_MODIFY_STATE, winnt.OBJ_FORCE_ACCESS_CHECK), ntstatus.AccessDenied,
			0)
		for _, other := range []uint32{winnt.OBJ_KERNEL_HANDLE, winnt.OBJ_INHERIT, winnt.OBJ_CASE_INSENSITIVE,
			winnt.OBJ_KERNEL_HANDLE | winnt.OBJ_CASE_INSENSITIVE} {
			w.want("not forced", w.decide(event, winnt.EVENT_MODIFY_STATE, other), ntstatus.Success, 2)
			w.want("forced with other attributes", w.decide(event, winnt.EVENT_MODIFY_STATE, other|winnt.OBJ_FORCE_ACCESS_CHECK),
				ntstatus.AccessDenied, 0)
		}
	})
	w.want("invalid attribute", w.decide(event, winnt.EVENT_MODIFY_STATE, winnt.OBJ_OPENLINK),
		ntstatus.InvalidParameter, 0)
	process := protected(processType, ownThread)
	w.want("invalid for a process", w.decide(process, 1, winnt.OBJ_PERMANENT), ntstatus.InvalidParameter, 0)
}

func TestOpenNeedsImpersonationLevel(t *testing.T) { // O-33 with I-1, I-2
	w := newWorld(t)
	full, event := w.self, protected(eventType, ownEvent)
	w.self = impersonating(full, winnt.SecurityIdentification)
	w.want("identification", w.decide(event, 1, 0), ntstatus.BadImpersonationLevel, 0)
	w.want("no descriptor", w.decide(newObject(eventType, nil), 1, 0), ntstatus.Success, 1)
	w.self = impersonating(full, winnt.SecurityImpersonation)
	w.want("impersonation", w.decide(event, 1, 0), ntstatus.Success, 1)
}

func TestSystemSecurityNeedsPrivilege(t *testing.T) { // O-30, OC-43, OC-44
	event := protected(eventType, ownEvent)
	w := newWorld(t)
	const both = winnt.ACCESS_SYSTEM_SECURITY | winnt.EVENT_QUERY_STATE
	w.want("without the privilege", w.decide(event, both, 0), ntstatus.PrivilegeNotHeld, 0)
	w.want("beats a denial", w.decide(protected(eventType, noRights), both, 0), ntstatus.PrivilegeNotHeld, 0)
	w = newWorld(t, winnt.SeSecurityPrivilege)
	w.want("with it", w.decide(event, both, 0), ntstatus.Success, both)
	w.want("with MAXIMUM_ALLOWED", w.decide(event, winnt.MAXIMUM_ALLOWED|winnt.ACCESS_SYSTEM_SECURITY, 0),
		ntstatus.Success, winnt.EVENT_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY)
	w.want("never in MAXIMUM_ALLOWED", w.decide(event, winnt.MAXIMUM_ALLOWED, 0), ntstatus.Success,
		winnt.EVENT_ALL_ACCESS)
	check.That(t, w.decide(event, both, 0).PrivilegesUsed.Has(winnt.SeSecurityPrivilege),
		"PrivilegesUsed does not contain SeSecurityPrivilege, want it")
}

func TestObjectWithoutDescriptorGrantsItsRights(t *testing.T) { // O-35
	w := newWorld(t)
	o := newObject(eventType, nil)
	w.want("asked", w.decide(o, winnt.EVENT_MODIFY_STATE|winnt.WRITE_DAC, 0), ntstatus.Success, 0x40002)
	w.want("generic", w.decide(o, winnt.GENERIC_WRITE, 0), ntstatus.Success, 0x20002)
	w.want("MAXIMUM_ALLOWED", w.decide(o, winnt.MAXIMUM_ALLOWED, 0), ntstatus.Success, 0x1F0003)
	w.want("outside the type", w.decide(o, 0x10, 0), ntstatus.AccessDenied, 0)
	// Only the privilege for access to the SACL is reported as used (O-30).
	for _, c := range []struct {
		held, desired, granted winnt.AccessMask
		st                     ntstatus.Status
	}{{0, winnt.ACCESS_SYSTEM_SECURITY, 0, ntstatus.PrivilegeNotHeld},
		{1, winnt.ACCESS_SYSTEM_SECURITY, winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success},
		{1, winnt.EVENT_MODIFY_STATE, winnt.EVENT_MODIFY_STATE, ntstatus.Success},
		{0, winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY, 0, ntstatus.PrivilegeNotHeld},
		{1, winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY, 0x11F0003, ntstatus.Success},
		{1, winnt.MAXIMUM_ALLOWED, 0x1F0003, ntstatus.Success}} {
		s := w.self
		if c.held != 0 {
			v := check.Must(token.New(token.LocalSystem()))
			n, _, _ := v.AdjustPrivileges(0, false, []token.PrivilegeChange{{LUID: winnt.LUID(winnt.SeSecurityPrivilege),
				Attributes: winnt.SE_PRIVILEGE_ENABLED}})
			s.Primary = n
		}
		var used winnt.PrivilegeSet
		if c.held != 0 && c.desired&winnt.ACCESS_SYSTEM_SECURITY != 0 {
			used = winnt.SeSecurityPrivilege.Bit()
		}
		for name, d := range map[string]access.Decision{"open": ob.Decide(w.c, o, &s, c.desired, 0),
			"create": ob.GrantNew(w.c, eventType, &s, c.desired, 0)} {
			check.That(t, d.Status() == c.st && d.Granted == c.granted && d.PrivilegesUsed == used,
				"O-30: %s with %#x: %v, %#x, used %v, want %v, %#x, %v", name, uint32(c.desired), d.Status(),
				uint32(d.Granted), d.PrivilegesUsed, c.st, uint32(c.granted), used)
		}
	}
}

// A handle keeps its rights when the object's security changes (O-34, OC-45).
func TestHandleKeepsRightsAfterSecurityChange(t *testing.T) {
	w := newWorld(t)
	o := protected(eventType, ownEvent)
	v, st := ob.OpenByPointer(w.c, o, w.self, winnt.EVENT_MODIFY_STATE, winnt.OBJ_INHERIT)
	check.Require(t, st, ntstatus.Success, "open")
	before := o.PointerCount()
	o.SetSecurity(protected(eventType, noRights).Security())
	wantStatus(t, "old handle", w.refer(v, winnt.EVENT_MODIFY_STATE, eventType), ntstatus.Success)
	_, st = ob.OpenByPointer(w.c, o, w.self, winnt.EVENT_MODIFY_STATE, 0)
	wantStatus(t, "new open", st, ntstatus.AccessDenied)
	check.Equal(t, o.PointerCount(), before, "O-33: pointer count after a denied open")
	w.c.Table.Drain()
	_, st = ob.OpenByPointer(w.c, newObject(eventType, nil), w.self, 1, 0)
	wantStatus(t, "drained table", st, ntstatus.ProcessIsTerminating)
	w.c.Table = nil
	_, st = ob.OpenByPointer(w.c, newObject(eventType, nil), w.self, 1, 0)
	wantStatus(t, "no table", st, ntstatus.ProcessIsTerminating)
}

// TestQueryRightImpliesLimitedRight checks that the full query right includes the limited one, even if the entries deny
// it, and never the reverse (O-36, OC-28, OC-29, OC-31).
func TestQueryRightImpliesLimitedRight(t *testing.T) {
	w := newWorld(t)
	process, thread := protected(processType, ownThread), protected(threadType, ownThread)
	w.want("OC-28", w.decide(process, winnt.PROCESS_QUERY_INFORMATION, 0), ntstatus.Success, 0x1400)
	w.want("OC-29", w.decide(thread, winnt.THREAD_SET_INFORMATION, 0), ntstatus.Success, 0x0420)
	w.want("limited alone", w.decide(process, winnt.PROCESS_QUERY_LIMITED_INFORMATION, 0), ntstatus.Success, 0x1000)
	denied := protected(processType, "O:SYG:SYD:(D;;0x1000;;;"+alice+")(A;;0x400;;;"+alice+")")
	w.want("OC-31", w.decide(denied, winnt.PROCESS_QUERY_INFORMATION, 0), ntstatus.Success, 0x1400)
	w.want("limited, denied", w.decide(denied, winnt.PROCESS_QUERY_LIMITED_INFORMATION, 0), ntstatus.AccessDenied, 0)
}

// The creator is granted its request, regardless of the object's descriptor (O-91, O-90, O-20, O-21, O-30, OC-51).
func TestCreatorGetsRequestedRights(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		what    string
		desired winnt.AccessMask
		st      ntstatus.Status
		granted winnt.AccessMask
	}{
		{"generic", winnt.GENERIC_WRITE, ntstatus.Success, 0x20002},
		{"OC-51: nothing", 0, ntstatus.Success, 0},
		{"reserved bits", 0x00200000, ntstatus.AccessDenied, 0},
		{"a bit the type lacks", 4, ntstatus.AccessDenied, 0},
		{"system security", winnt.ACCESS_SYSTEM_SECURITY, ntstatus.PrivilegeNotHeld, 0},
	} {
		w.want(tt.what, ob.GrantNew(w.c, eventType, &w.self, tt.desired, 0), tt.st, tt.granted)
	}
	w.kernel(func() {
		w.want("reserved bits in kernel mode", ob.GrantNew(w.c, eventType, &w.self, 0x00200000, 0), ntstatus.AccessDenied, 0)
		w.want("system security in kernel mode", ob.GrantNew(w.c, eventType, &w.self, winnt.ACCESS_SYSTEM_SECURITY, 0),
			ntstatus.Success, winnt.ACCESS_SYSTEM_SECURITY)
	})
}

// TestMaximumGrantsValidMask checks that a creator that requests everything, and bits of each kind that the type does
// not have, gets every right of the type and no other (O-130, OC-54).
func TestMaximumGrantsValidMask(t *testing.T) {
	w := newWorld(t)
	for _, typ := range []*ob.Type{eventType, tokenType, fileType, processType} {
		for _, foreign := range []winnt.AccessMask{0, 0x8000, winnt.SYNCHRONIZE, 0xFFFF, winnt.GENERIC_ALL} {
			d := ob.GrantNew(w.c, typ, &w.self, winnt.MAXIMUM_ALLOWED|foreign, 0)
			check.That(t, d.Status() == ntstatus.Success && d.Granted == typ.Valid,
				"%s, maximum and %v: %v, %v, want success and %v", typ.Name, foreign, d.Status(), d.Granted, typ.Valid)
		}
	}
}

func TestDeniedOpenHasReason(t *testing.T) {
	w := newWorld(t)
	w.c.Why = &ob.Why{}
	w.want("denied", w.decide(protected(eventType, noRights), winnt.EVENT_MODIFY_STATE, 0), ntstatus.AccessDenied, 0)
	check.That(t, w.c.Why.Rule == "A-40" && w.c.Why.Object == "Event" && w.c.Why.Explanation != nil,
		"reason of the denial = %+v, want rule A-40, the object Event and an explanation", w.c.Why)
	*w.c.Why = ob.Why{}
	w.decide(protected(eventType, ownEvent), 0, 0)
	check.That(t, w.c.Why.Rule == "O-90" && w.c.Why.Object == "Event" && w.c.Why.Explanation == nil,
		"reason of granting nothing = %+v, want rule O-90 and the object Event without explanation", w.c.Why)
}

// openAndClose returns a function that opens a token with an access check and closes its handle.
func openAndClose(t testing.TB) func() {
	self, c := subject(t), &ob.Caller{Table: ob.NewTable(0)}
	o := protected(&ob.Type{ObjectType: winnt.TokenObject}, "O:SYG:SYD:(A;;GA;;;SY)(A;;GA;;;"+alice+")")
	return func() {
		v, st := ob.OpenByPointer(c, o, self, winnt.TOKEN_QUERY, 0)
		check.Require(t, st, ntstatus.Success, "OpenByPointer")
		c.Table.Close(v)
	}
}

func BenchmarkOpenByPointer(b *testing.B) {
	open := openAndClose(b)
	b.ReportAllocs()
	for b.Loop() {
		open()
	}
}

func TestOpenByPointerAllocates(t *testing.T) { // checked open, insert and close allocate nothing
	check.Equal(t, testing.AllocsPerRun(100, openAndClose(t)), 0, "allocations")
}

// O-36, O-91: a creator gets the implied rights as an opener does, in either mode, and no others.
func TestCreatorsGetImpliedRights(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		typ           *ob.Type
		desired, with winnt.AccessMask
	}{
		{processType, winnt.PROCESS_QUERY_INFORMATION, winnt.PROCESS_QUERY_LIMITED_INFORMATION},
		{threadType, winnt.THREAD_QUERY_INFORMATION, winnt.THREAD_QUERY_LIMITED_INFORMATION},
		{processType, winnt.PROCESS_TERMINATE, 0}, {threadType, winnt.THREAD_TERMINATE, 0},
	} {
		ask := func() {
			w.want("made", ob.GrantNew(w.c, c.typ, &w.self, c.desired, 0), ntstatus.Success, c.desired|c.with)
			w.want("opened", w.decide(protected(c.typ, ownThread), c.desired, 0), ntstatus.Success, c.desired|c.with)
		}
		ask()
		w.kernel(ask)
		check.Equal(t, w.c.Mode, access.User, "mode afterwards")
	}
	w.kernel(func() { // generic rights are mapped in this mode, too
		d := ob.GrantNew(w.c, eventType, &w.self, winnt.GENERIC_READ|winnt.EVENT_MODIFY_STATE, 0)
		w.want("a creator in kernel mode", d, ntstatus.Success, 0x20001|winnt.EVENT_MODIFY_STATE)
	})
}

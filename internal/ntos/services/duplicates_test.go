package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// O-13, O-16, O-50, O-57: what a source handle means depends on whose it is: -1 is the source
// process, -2 the calling thread in its own process and nothing in another, a kernel handle
// is seen by kernel mode from every process, the pseudo handles of tokens are nothing.
func TestSourcesOfDuplicates(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("caller"))
	other := w.process("other")
	source := openProcess(t, k, other)
	event, st := k.Zw().NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{Attributes: winnt.OBJ_KERNEL_HANDLE},
		nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	if event >= 0 {
		t.Fatalf("handle %#x is no kernel handle", int64(event))
	}
	const none = ntstatus.InvalidHandle
	for _, c := range []struct {
		name                 string
		process, handle      winnt.Handle
		inUserMode, inKernel ntstatus.Status
		same                 winnt.Handle // what the duplicate names, to kernel mode
	}{
		{"itself", winnt.NtCurrentProcess, winnt.NtCurrentProcess, 0, 0, winnt.NtCurrentProcess},
		{"its thread", winnt.NtCurrentProcess, winnt.NtCurrentThread, 0, 0, winnt.NtCurrentThread},
		{"a kernel handle", winnt.NtCurrentProcess, event, none, 0, event},
		{"the other", source, winnt.NtCurrentProcess, 0, 0, source},
		{"a thread of the other", source, winnt.NtCurrentThread, none, none, 0},
		{"a kernel handle through the other", source, event, none, 0, event},
		{"0", winnt.NtCurrentProcess, 0, none, none, 0},
		{"0 of the other", source, 0, none, none, 0},
		{"the token of the process", winnt.NtCurrentProcess, winnt.NtCurrentProcessToken, none, none, 0},
		{"the token of the thread", winnt.NtCurrentProcess, winnt.NtCurrentThreadToken, none, none, 0},
		{"the effective token", source, winnt.NtCurrentEffectiveToken, none, none, 0},
		{"what is reserved", winnt.NtCurrentProcess, -3, none, none, 0},
	} {
		for by, wanted := range map[*nt.Thread]ntstatus.Status{th: c.inUserMode, k.Zw(): c.inKernel} {
			h, st := by.NtDuplicateObject(c.process, c.handle, winnt.NtCurrentProcess, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
			if want(t, c.name, st, wanted); st != ntstatus.Success {
				continue
			}
			if st := k.Zw().NtCompareObjects(h, c.same); st != ntstatus.Success {
				t.Errorf("%s: the duplicate is of another object: %v", c.name, st)
			}
			want(t, "close", by.NtClose(h), ntstatus.Success)
		}
	}
	want(t, "close", k.ZwClose(event), ntstatus.Success)
}

// U-73, O-57: the process and the thread that call have no handle of their own; they are
// duplicated into another process all the same, with a record or without.
func TestPseudoHandlesGivenAway(t *testing.T) {
	for _, records := range []bool{false, true} {
		w := newWorld(t, kernel.Config{})
		if records {
			w = recorded(t, audit.NewMemory(0, 0), audit.Options{})
		}
		th, k := w.thread(w.process("caller"))
		to := w.process("to")
		taker, _ := w.thread(to)
		target := openProcess(t, k, to)
		for h, text := range map[winnt.Handle]string{winnt.NtCurrentProcess: "0x1fffff", winnt.NtCurrentThread: "0x1fffff"} {
			made, st := th.NtDuplicateObject(winnt.NtCurrentProcess, h, target, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
			want(t, "duplicate", st, ntstatus.Success)
			if got := handles(t, taker)[made]; got != text+" 0x0" {
				t.Errorf("records %v: the duplicate of %d is %q", records, h, got)
			}
		}
	}
}

// O-31: two handles are compared by what they name, whatever type it is; the first is looked at first.
func TestCompareObjects(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	all := map[string]winnt.Handle{"process": winnt.NtCurrentProcess, "thread": winnt.NtCurrentThread}
	for _, name := range []string{"event", "another event"} {
		h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
		want(t, "make an event", st, ntstatus.Success)
		all[name] = h
	}
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)
	want(t, "open the token", st, ntstatus.Success)
	again, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE)
	want(t, "open the token again", st, ntstatus.Success)
	all["token"] = own
	for a, x := range all {
		for b, y := range all {
			wanted := ntstatus.NotSameObject
			if a == b {
				wanted = ntstatus.Success
			}
			want(t, a+" and "+b, th.NtCompareObjects(x, y), wanted)
		}
		want(t, a+" and nothing", th.NtCompareObjects(x, 0x7770), ntstatus.InvalidHandle)
		want(t, "nothing and "+a, th.NtCompareObjects(0x7770, x), ntstatus.InvalidHandle)
	}
	want(t, "one token", th.NtCompareObjects(own, again), ntstatus.Success)
}

// O-20, O-21, T-44, T-45, I-2: what a duplicate of a token is asked to grant is looked at in this
// order: reserved bits, bits that a token does not have, the level of the client; a request for
// nothing is not looked at.
func TestRightsAskedOfADuplicate(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY_SOURCE)
	want(t, "open the token", st, ntstatus.Success)
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	const unknown, most = winnt.AccessMask(0x8000), winnt.MAXIMUM_ALLOWED
	const denied, level = ntstatus.AccessDenied, ntstatus.BadImpersonationLevel
	for _, c := range []struct {
		asked   winnt.AccessMask
		at      winnt.SecurityImpersonationLevel // of the client; SecurityAnonymous stands for none
		want    ntstatus.Status
		granted winnt.AccessMask
	}{
		{0, 0, 0, 0x12}, {0, winnt.SecurityIdentification, 0, 0x12},
		{winnt.TOKEN_QUERY, 0, 0, 8}, {winnt.TOKEN_QUERY, winnt.SecurityImpersonation, 0, 8},
		{winnt.TOKEN_QUERY, winnt.SecurityIdentification, level, 0},
		{most, 0, 0, 0xf00fe}, {most, winnt.SecurityIdentification, level, 0},
		{most | winnt.TOKEN_QUERY, winnt.SecurityIdentification, level, 0},
		{unknown, 0, denied, 0}, {most | unknown, 0, denied, 0},
		{winnt.TOKEN_QUERY | unknown, 0, denied, 0},
		{most | unknown, winnt.SecurityIdentification, denied, 0},
		{winnt.RESERVED_RIGHTS, 0, denied, 0}, {most | winnt.RESERVED_RIGHTS, winnt.SecurityIdentification, denied, 0},
		{winnt.SYNCHRONIZE | winnt.TOKEN_QUERY, 0, 0, 8},
	} {
		if c.at != winnt.SecurityAnonymous {
			want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, c.at), ntstatus.Success)
		}
		h, st := th.NtDuplicateToken(own, c.asked, nil, false, winnt.TokenPrimary)
		k.PsRevertToSelf()
		if st != c.want {
			t.Errorf("%#x asked at %v: %v, want %v", c.asked, c.at, st, c.want)
		}
		if st != ntstatus.Success {
			continue
		}
		v, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
		want(t, "query", st, ntstatus.Success)
		if got := v.(nt.BasicInformation).GrantedAccess; got != c.granted {
			t.Errorf("%#x asked at %v: %#x is granted, want %#x", c.asked, c.at, got, c.granted)
		}
	}
}

// T-69: the tokens of a package have one number in each session, that of the token they are made
// of and not of their maker's.
func TestNumbersOfPackages(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("maker"))
	numbers := map[string]uint32{}
	for _, c := range []struct {
		name    string
		session uint32
		pkg     string
	}{{"a", 1, "1"}, {"a", 1, "1"}, {"b", 2, "1"}, {"c", 1, "2"}, {"b", 2, "1"}, {"c", 1, "2"}} {
		spec := token.StandardUser(sid.MustParse(svc))
		spec.SessionID = c.session
		v, err := token.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		of := k.NewToken(v)
		defer k.PsDereferencePrimaryToken(of)
		h, st := k.ObOpenObjectByPointer(of, 0, winnt.TOKEN_DUPLICATE, winnt.TokenObject, kernel.KernelMode)
		want(t, "open the token", st, ntstatus.Success)
		out, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: h,
			DesiredAccess: winnt.TOKEN_QUERY,
			PackageSID:    nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-" + c.pkg))})
		want(t, "make a token", st, ntstatus.Success)
		n := class[uint32](t, th, out.TokenHandle, winnt.TokenAppContainerNumber)
		if session := class[uint32](t, th, out.TokenHandle, winnt.TokenSessionId); session != c.session {
			t.Errorf("%s: session %d, want %d", c.name, session, c.session)
		}
		if before, again := numbers[c.name]; again && before != n || n == 0 {
			t.Errorf("%s: number %d, before %d", c.name, n, before)
		}
		numbers[c.name] = n
	}
	if numbers["a"] == numbers["b"] || numbers["a"] == numbers["c"] {
		t.Errorf("the numbers are %v", numbers)
	}
}

// O-38, S-61, S-62: a program gives an object no owner and no label that its token may not assign; kernel
// mode may, when the object is made and when its security is set.
func TestOwnersThatKernelModeAssigns(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p"))
	for text, wanted := range map[string]ntstatus.Status{"O:" + svc + "G:BGD:(A;;GA;;;WD)": ntstatus.Success,
		"O:SYG:SYD:(A;;GA;;;WD)":                                  ntstatus.InvalidOwner,
		"O:" + svc + "G:" + svc + "D:(A;;GA;;;WD)S:(ML;;NW;;;SI)": ntstatus.PrivilegeNotHeld} {
		d := sddl.MustParse(text)
		for by, status := range map[*nt.Thread]ntstatus.Status{th: wanted, k.Zw(): ntstatus.Success} {
			h, st := by.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{SecurityDescriptor: d},
				nt.NotificationEvent, false)
			if want(t, "make an event of "+text, st, status); st == ntstatus.Success {
				if got := shown(t, by, h); !strings.HasPrefix(text, got[:strings.Index(got, "D:")]) {
					t.Errorf("%s: the event is protected by %s", text, got)
				}
			}
			h, st = by.NtCreateEvent(winnt.EVENT_ALL_ACCESS|winnt.WRITE_OWNER, &nt.ObjectAttributes{
				SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}, nt.NotificationEvent, false)
			want(t, "make an event", st, ntstatus.Success)
			parts := winnt.OWNER_SECURITY_INFORMATION
			if d.SACL() != nil {
				parts = winnt.LABEL_SECURITY_INFORMATION
			}
			want(t, "set "+text, by.NtSetSecurityObject(h, parts, d), status)
		}
	}
}

package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// children makes a process with handles that tell everything of it.
func children() nt.CreateUserProcessIn {
	return nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}
}

// shown returns owner and DACL of an object.
func shown(t *testing.T, th *nt.Thread, h winnt.Handle) string {
	t.Helper()
	d, st := th.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION)
	want(t, "query the security", st, ntstatus.Success)
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// O-38, I-96: a process belongs to whom the maker's thread acts as, or, where a token is given,
// to the user of that one; process and thread are each protected as their own attributes say.
func TestWhoOwnsAChild(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("maker", winnt.SeImpersonatePrivilege, winnt.SeAssignPrimaryTokenPrivilege))
	primary := k.NewToken(value(t, acting, winnt.TokenPrimary, 0))
	defer k.PsDereferencePrimaryToken(primary)
	given, st := k.ObOpenObjectByPointer(primary, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject, kernel.KernelMode)
	want(t, "open a token", st, ntstatus.Success)
	tok := w.token(k, client, winnt.SecurityImpersonation, winnt.SeAssignPrimaryTokenPrivilege)
	for _, c := range []struct {
		name  string
		acts  bool
		token winnt.Handle
		owner string
	}{
		{"itself", false, 0, svc},
		{"acting as a client", true, 0, client},
		{"with a token", false, given, acting},
		{"with a token, acting as a client", true, given, acting},
	} {
		in := children()
		in.Token = c.token
		in.ProcessObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;0x1;;;BA)")})
		in.ThreadObjectAttributes = nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;0x2;;;BG)")})
		if c.acts {
			want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation),
				ntstatus.Success)
		}
		out, st := th.NtCreateUserProcess(in)
		want(t, c.name, st, ntstatus.Success)
		k.PsRevertToSelf()
		if got, want := shown(t, th, out.ProcessHandle), "O:"+c.owner+"D:(A;;CC;;;BA)"; got != want {
			t.Errorf("%s: the process is protected by %s, want %s", c.name, got, want)
		}
		if got := shown(t, th, out.ThreadHandle); !strings.HasSuffix(got, "D:(A;;DC;;;BG)") {
			t.Errorf("%s: the thread is protected by %s", c.name, got)
		}
	}
}

// U-20, U-78: the record of a process names who made it, the process itself and its parent,
// which is another one where that is asked for.
func TestRecordOfAChild(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := recorded(t, m, audit.Options{})
	th, k := w.thread(w.process("maker"))
	p, err := w.sys.NewProcess("foster", value(t, acting, winnt.TokenPrimary, 0))
	if err != nil {
		t.Fatal(err)
	}
	in := children()
	in.ParentProcess = openProcess(t, k, p)
	said(m)
	out, st := th.NtCreateUserProcess(in)
	want(t, "make a child", st, ntstatus.Success)
	var parent, child string
	for _, e := range m.Drain() {
		if e.ID == 4688 {
			parent, _ = e.Field("ParentProcessName")
			child, _ = e.Field("TargetUserSid")
		}
	}
	if parent != "foster" || child != acting {
		t.Errorf("a child of %q with the token of %s", parent, child)
	}
	v, st := th.NtQueryInformationProcess(out.ProcessHandle, nt.ProcessBasicInformation)
	if b := v.(nt.ProcessBasic); st != ntstatus.Success || b.InheritedFromUniqueProcessID != p.ID() {
		t.Errorf("its parent is %v: %v", b.InheritedFromUniqueProcessID, st)
	}
}

// O-12, O-81, I-95: where the process cannot be made neither handle is there, and the next two
// have the values that were not used.
func TestChildWithoutMemory(t *testing.T) {
	full := false
	w := newWorld(t, kernel.Config{Faults: func(point string) bool { return full && point == "ps: create process" }})
	th, _ := w.thread(w.process("maker"))
	next := func() (sum winnt.Handle) {
		var all [2]winnt.Handle
		for i := range all {
			var st ntstatus.Status
			all[i], st = th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
			want(t, "make an event", st, ntstatus.Success)
			sum += all[i]
		}
		for _, h := range all {
			want(t, "close it", th.NtClose(h), ntstatus.Success)
		}
		return sum
	}
	before, values := handles(t, th), next()
	full = true
	out, st := th.NtCreateUserProcess(children())
	if full = false; st != ntstatus.InsufficientResources || out != (nt.CreateUserProcessOut{}) {
		t.Errorf("%v, %+v", st, out)
	}
	if after := handles(t, th); len(after) != len(before) || next() != values {
		t.Errorf("handles %v, before %v", after, before)
	}
	_, st = th.NtCreateUserProcess(children())
	want(t, "with memory", st, ntstatus.Success)
}

// I-96, T-111: a token that may not be given is refused as such, of whichever type it is.
func TestForeignTokens(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("maker"))
	for _, typ := range []winnt.TokenType{winnt.TokenPrimary, winnt.TokenImpersonation} {
		foreign := k.NewToken(value(t, client, typ, winnt.SecurityImpersonation))
		defer k.PsDereferencePrimaryToken(foreign)
		in := children()
		var st ntstatus.Status
		in.Token, st = k.ObOpenObjectByPointer(foreign, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject, kernel.KernelMode)
		want(t, "open a token", st, ntstatus.Success)
		_, st = th.NtCreateUserProcess(in)
		want(t, "T-111: "+typ.String(), st, ntstatus.PrivilegeNotHeld)
	}
}

// I-95, I-96, T-113: a program is found whatever the case of its name, must grant FILE_EXECUTE
// to whom the maker acts as, and lowers the process by a label that is in force on itself.
func TestProgramOfAChild(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	for name, text := range map[string]string{
		"tool": "D:(A;;FX;;;" + svc + ")(A;;FX;;;" + client + ")", "read": "D:(A;;FR;;;WD)",
		"mine":  "D:(A;;FX;;;" + svc + ")",
		"low":   "D:(A;;FX;;;WD)S:(ML;;NW;;;LW)",
		"heirs": "D:(A;;FX;;;WD)S:(ML;OIIO;NW;;;LW)",
	} {
		if err := w.sys.CreateFile(name, sddl.MustParse("O:SYG:SY"+text)); err != nil {
			t.Fatal(err)
		}
	}
	th, k := w.thread(w.process("maker", winnt.SeImpersonatePrivilege))
	tok := w.token(k, client, winnt.SecurityImpersonation)
	for _, c := range []struct {
		image     string
		acts      bool
		want      ntstatus.Status
		integrity uint32
	}{
		{"tool", false, ntstatus.Success, 0x2000}, {"TOOL", false, ntstatus.Success, 0x2000},
		{"tools", false, ntstatus.ObjectNameNotFound, 0}, {"read", false, ntstatus.AccessDenied, 0},
		{"mine", false, ntstatus.Success, 0x2000}, {"mine", true, ntstatus.AccessDenied, 0},
		{"tool", true, ntstatus.Success, 0x2000}, {"low", false, ntstatus.Success, 0x1000},
		{"heirs", false, ntstatus.Success, 0x2000},
	} {
		if c.acts {
			want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation),
				ntstatus.Success)
		}
		in := children()
		in.ImageName = c.image
		out, st := th.NtCreateUserProcess(in)
		k.PsRevertToSelf()
		if want(t, c.image, st, c.want); st != ntstatus.Success {
			continue
		}
		if got := w.sys.TokenOf(out.ClientID.UniqueProcess).Integrity(); got != c.integrity {
			t.Errorf("%s: integrity %#x, want %#x", c.image, got, c.integrity)
		}
	}
}

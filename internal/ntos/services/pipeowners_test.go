package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// O-38: what a thread makes without a descriptor, or with one without an owner, belongs to whom the
// thread acts as, whatever the type: a pipe and a named object as well as a token.
func TestWhoOwnsWhatIsMade(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	privileges := []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege,
		winnt.SeCreateTokenPrivilege}
	th, k := w.thread(w.process("server", privileges...))
	all := makers(t, w, th, k)
	tok := w.token(k, client, winnt.SecurityImpersonation, privileges...)
	for _, owner := range []string{svc, client} {
		for _, m := range all {
			switch m.service {
			case "NtCreateNamedPipeFile", "NtCreateEvent", "NtCreateMutant", "NtCreateSemaphore", "NtCreateTimer",
				"NtCreateJobObject", "NtCreateDirectoryObject", "NtCreateSymbolicLinkObject",
				"NtCreateToken", "NtCreateLowBoxToken":
			default:
				continue
			}
			h, st := m.call(th, 0)
			want(t, m.name, st, ntstatus.Success)
			again, st := k.Zw().NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, winnt.READ_CONTROL, 0, 0)
			want(t, "duplicate", st, ntstatus.Success)
			d, st := th.NtQuerySecurityObject(again, winnt.OWNER_SECURITY_INFORMATION)
			if want(t, "query", st, ntstatus.Success); st != ntstatus.Success {
				continue
			}
			bare := m.object.ObjectName == "" && (m.service == "NtCreateEvent" || m.service == "NtCreateMutant" ||
				m.service == "NtCreateSemaphore" || m.service == "NtCreateTimer")
			if got := d.Owner().String(); bare != d.Owner().IsZero() || !bare && got != owner {
				t.Errorf("%s: the owner is %s, want %s (none: %v)", m.name, got, owner, bare)
			}
			want(t, "close", th.NtClose(again), ntstatus.Success)
			want(t, "close", th.NtClose(h), ntstatus.Success)
		}
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	}
	k.PsRevertToSelf()
}

// I-135, I-136: a write that ends in its call tells how much it wrote, whether its program has memory
// of its own or not.
func TestWritesTellHowMuch(t *testing.T) {
	o := newOperations(t)
	for _, later := range []bool{false, true} {
		in := nt.WriteFileIn{FileHandle: o.client, Buffer: nt.Cap([]byte("ab"))}
		if later {
			in.Later = o.begin(false, false, false, false)
		}
		out, st := o.th.Services().NtWriteFile(in)
		if want(t, "write", st, ntstatus.Success); out.Information != 2 {
			t.Errorf("later %v: %d bytes are told, want 2", later, out.Information)
		}
	}
	want(t, "close", o.th.NtClose(o.client), ntstatus.Success)
}

package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestEveryObjectIsCounted: each object that a service makes is one of those that are
// alive, with the handle to it, and closing the handle takes both back: an object that
// is not counted could leak unseen (P-5).
func TestEveryObjectIsCounted(t *testing.T) {
	sys, server, client := pipePair(t)
	own, st := server.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	pipe := func() *nt.ObjectAttributes {
		return &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\counted`,
			SecurityDescriptor: sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)")}
	}
	unnamed := &nt.ObjectAttributes{}
	// ZwClose closes the handle that it is given, and no other.
	k := sys.KernelMode(server)
	first, st1 := server.NtCreateEvent(1, unnamed, 0, false)
	second, st2 := server.NtCreateEvent(1, unnamed, 0, false)
	if st1 != ntstatus.Success || st2 != ntstatus.Success {
		t.Fatal(st1, st2)
	}
	for i, want := range []ntstatus.Status{ntstatus.Success, ntstatus.InvalidHandle} {
		if st := k.ZwClose(second); st != want {
			t.Errorf("ZwClose %d: %v, want %v", i, st, want)
		}
	}
	if st := k.ZwClose(first); st != ntstatus.Success {
		t.Errorf("ZwClose of the other: %v", st)
	}
	for _, c := range []struct {
		name    string
		th      *nt.Thread
		objects int64
		make    func() (winnt.Handle, ntstatus.Status)
	}{
		{"event", server, 1, func() (winnt.Handle, ntstatus.Status) { return server.NtCreateEvent(1, unnamed, 0, false) }},
		{"mutant", server, 1, func() (winnt.Handle, ntstatus.Status) { return server.NtCreateMutant(1, unnamed, false) }},
		{"semaphore", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtCreateSemaphore(1, unnamed, 0, 1)
		}},
		{"timer", server, 1, func() (winnt.Handle, ntstatus.Status) { return server.NtCreateTimer(1, unnamed, 0) }},
		{"job", server, 1, func() (winnt.Handle, ntstatus.Status) { return server.NtCreateJobObject(1, unnamed) }},
		{"directory", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtCreateDirectoryObject(1, unnamed)
		}},
		{"link", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtCreateSymbolicLinkObject(1, unnamed, `\x`)
		}},
		{"token", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtDuplicateToken(own, winnt.TOKEN_QUERY, nil, false, winnt.TokenPrimary)
		}},
		{"filtered token", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtFilterToken(own, 0, nil, nil, nil)
		}},
		{"LowBox token", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtCreateLowBoxToken(own, winnt.TOKEN_QUERY, nil, sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"), nil, nil)
		}},
		{"pipe", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
				ObjectAttributes: nt.Cap(pipe())})
		}},
		{"device", server, 1, func() (winnt.Handle, ntstatus.Status) {
			return server.NtOpenFile(winnt.FILE_READ_ATTRIBUTES, &nt.ObjectAttributes{ObjectName: `\Device\NamedPipe\`}, 3, 0)
		}},
		{"logon policy", server, 0, func() (winnt.Handle, ntstatus.Status) { // there is one, opened by each
			return server.LsaOpenPolicy(winnt.POLICY_LOOKUP_NAMES)
		}},
	} {
		o, h, _ := sys.Counts()
		handle, st := c.make()
		if st != ntstatus.Success {
			t.Errorf("%s: %v", c.name, st)
			continue
		}
		if o1, h1, _ := sys.Counts(); o1 != o+c.objects || h1 != h+1 {
			t.Errorf("P-5: %s made: %d objects and %d handles more, want %d and 1", c.name, o1-o, h1-h, c.objects)
		}
		if c.name == "pipe" { // the client's end is an object of its own
			end, st := client.NtOpenFile(winnt.FILE_WRITE_DATA, pipe(), 3, 0)
			if o1, h1, _ := sys.Counts(); st != ntstatus.Success || o1 != o+2 || h1 != h+2 {
				t.Errorf("P-5: both ends of a pipe: %v, %d objects and %d handles", st, o1-o, h1-h)
			}
			if st := client.NtClose(end); st != ntstatus.Success {
				t.Error(st)
			}
		}
		if c.name == "device" { // a file that keeps nothing has nothing to flush
			_, st := server.Services().NtFlushBuffersFile(nt.FlushBuffersFileIn{FileHandle: handle})
			if st != ntstatus.Success {
				t.Errorf("I-140: flush: %v", st)
			}
		}
		if st := c.th.NtClose(handle); st != ntstatus.Success {
			t.Errorf("%s: %v", c.name, st)
		}
		if o1, h1, _ := sys.Counts(); o1 != o || h1 != h {
			t.Errorf("P-5: %s closed: %d objects and %d handles stay", c.name, o1-o, h1-h)
		}
	}
}

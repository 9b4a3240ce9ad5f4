package kernel_test

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// grantedTo returns the rights of a handle.
func grantedTo(t *testing.T, th *nt.Thread, h winnt.Handle) winnt.AccessMask {
	t.Helper()
	x, st := th.NtQueryObject(h, nt.ObjectBasicInformation)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return x.(nt.BasicInformation).GrantedAccess
}

// TestHandlesHaveWhatWasAsked: the handle of a new object has the rights that were asked
// for, bit by bit, and where a call makes two handles each has its own (O-91, T-60).
func TestHandlesHaveWhatWasAsked(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	for _, c := range []struct {
		service, field string
		in             any
		typ            *winnt.ObjectType
	}{
		{"NtCreateEvent", "EventHandle", nt.CreateEventIn{}, winnt.EventObject},
		{"NtCreateMutant", "MutantHandle", nt.CreateMutantIn{}, winnt.MutantObject},
		{"NtCreateSemaphore", "SemaphoreHandle", nt.CreateSemaphoreIn{MaximumCount: 1}, winnt.SemaphoreObject},
		{"NtCreateTimer", "TimerHandle", nt.CreateTimerIn{}, winnt.TimerObject},
		{"NtCreateDirectoryObject", "DirectoryHandle", nt.CreateDirectoryObjectIn{}, winnt.DirectoryObject},
		{"NtCreateSymbolicLinkObject", "SymbolicLinkHandle", nt.CreateSymbolicLinkObjectIn{LinkTarget: nt.Cap(`\`)},
			winnt.SymbolicLinkObject},
		{"NtCreateJobObject", "JobHandle", nt.CreateJobObjectIn{}, winnt.JobObject},
	} {
		for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
			if bit&c.typ.Valid == 0 {
				continue
			}
			in := reflect.New(reflect.TypeOf(c.in)).Elem()
			in.Set(reflect.ValueOf(c.in))
			in.FieldByName("DesiredAccess").Set(reflect.ValueOf(bit))
			out, st := th.CallRow(nt.NtTable.Find(c.service), in.Interface())
			if st != ntstatus.Success {
				t.Errorf("%s %#x: %v", c.service, uint32(bit), st)
				continue
			}
			h := winnt.Handle(reflect.ValueOf(out).FieldByName(c.field).Int())
			if got := grantedTo(t, th, h); got != bit {
				t.Errorf("%s %#x: granted %#x", c.service, uint32(bit), uint32(got))
			}
			th.NtClose(h)
		}
	}
	for _, c := range [][2]winnt.AccessMask{{winnt.PROCESS_TERMINATE, winnt.THREAD_TERMINATE | winnt.SYNCHRONIZE},
		{winnt.SYNCHRONIZE, winnt.THREAD_SUSPEND_RESUME}, {winnt.PROCESS_VM_READ | winnt.READ_CONTROL, winnt.THREAD_GET_CONTEXT}} {
		out, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: c[0], ThreadDesiredAccess: c[1],
			ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED})
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		got := [2]winnt.AccessMask{grantedTo(t, th, out.ProcessHandle), grantedTo(t, th, out.ThreadHandle)}
		if got != c {
			t.Errorf("NtCreateUserProcess: granted %#x, want %#x", got, c)
		}
	}
	for _, held := range []winnt.AccessMask{winnt.TOKEN_DUPLICATE, winnt.TOKEN_DUPLICATE | winnt.TOKEN_ADJUST_GROUPS,
		winnt.TOKEN_ALL_ACCESS} {
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, held)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		filtered, st := th.NtFilterTokenEx(nt.FilterTokenExIn{ExistingTokenHandle: own})
		if got := grantedTo(t, th, filtered); st != ntstatus.Success || got != held {
			t.Errorf("T-60: filtered through %#x: %#x, %v", uint32(held), uint32(got), st)
		}
	}
}

// TestAuditPolicyIsSecret: the audit policy of a token is told to who holds SeSecurityPrivilege
// enabled, whatever else it holds, and no other class asks for a privilege (T-80).
func TestAuditPolicyIsSecret(t *testing.T) {
	for p := winnt.SeCreateTokenPrivilege; p <= winnt.LastPrivilege; p++ {
		if !p.Valid() {
			continue
		}
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
		spec.Privileges = p.Bit()
		spec.EnabledPrivileges, spec.DefaultPrivileges = p.Bit(), 0
		_, th := userThread(t, spec)
		own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY|winnt.TOKEN_QUERY_SOURCE)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		for class := winnt.TokenUser; class <= winnt.MaxTokenInfoClass; class++ {
			refused := class == winnt.TokenAuditPolicy && p != winnt.SeSecurityPrivilege
			if _, st := th.NtQueryInformationToken(own, class); (st == ntstatus.PrivilegeNotHeld) != refused {
				t.Errorf("T-80: %v with %v alone: %v", class, p, st)
			}
		}
	}
}

// TestWhoAddsInstances: an instance is added by who has FILE_CREATE_PIPE_INSTANCE of the
// descriptor that the name has, whatever else it grants (I-130).
func TestWhoAddsInstances(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1107"
	for _, c := range []struct {
		mask winnt.AccessMask
		want ntstatus.Status
	}{
		{winnt.FILE_CREATE_PIPE_INSTANCE, ntstatus.Success}, {winnt.FILE_ALL_ACCESS, ntstatus.Success},
		{winnt.FILE_ALL_ACCESS &^ winnt.FILE_CREATE_PIPE_INSTANCE, ntstatus.AccessDenied},
		{winnt.FILE_READ_DATA, ntstatus.AccessDenied}, {0x1, ntstatus.AccessDenied},
	} {
		sys := kernel.Boot(kernel.Config{})
		var threads []*nt.Thread
		for _, u := range []string{"S-1-5-21-1-2-3-1200", user} {
			p, err := sys.NewProcess("p", benchToken(t, u, winnt.TokenPrimary))
			if err != nil {
				t.Fatal(err)
			}
			th, err := p.NewThread()
			if err != nil {
				t.Fatal(err)
			}
			threads = append(threads, th)
		}
		create := func(th *nt.Thread, text string) ntstatus.Status {
			oa := &nt.ObjectAttributes{ObjectName: `\??\pipe\many`}
			if text != "" {
				oa.SecurityDescriptor = sddl.MustParse(text)
			}
			_, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.SYNCHRONIZE,
				CreateDisposition: winnt.FILE_OPEN_IF, ObjectAttributes: nt.Cap(oa)})
			return st
		}
		if st := create(threads[0], "D:(A;;"+hex(c.mask)+";;;"+user+")"); st != ntstatus.Success {
			t.Fatal(st)
		}
		if st := create(threads[1], "D:(A;;FA;;;WD)"); st != c.want {
			t.Errorf("I-130: the descriptor grants %#x: %v, want %v", uint32(c.mask), st, c.want)
		}
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}
}

// hex returns a mask as SDDL has it.
func hex(m winnt.AccessMask) string {
	const digits = "0123456789abcdef"
	text := "0x"
	for shift := 28; shift >= 0; shift -= 4 {
		text += string(digits[m>>shift&15])
	}
	return text
}

package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// BenchmarkDuplicateObject measures NtDuplicateObject and NtClose of an object handle with fewer rights, which needs
// no access check.
func BenchmarkDuplicateObject(b *testing.B) {
	s := newBench(b)
	h, st := s.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	if st != ntstatus.Success {
		b.Fatalf("NtCreateEvent: %v", st)
	}
	gate(b, 0, func() {
		d, st := s.th.NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess, winnt.EVENT_QUERY_STATE, 0,
			0)
		if st != ntstatus.Success {
			b.Fatalf("NtDuplicateObject: %v", st)
		}
		s.th.NtClose(d)
	})
}

// BenchmarkOpenEvent measures NtOpenEvent and NtClose: a lookup through two directories and one access check. It
// allocates the case-folded names.
func BenchmarkOpenEvent(b *testing.B) {
	s := newBench(b)
	oa := &nt.ObjectAttributes{ObjectName: kernel.BaseNamedObjects + `\ev`,
		SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}
	if _, st := s.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, oa, nt.NotificationEvent, false); st != ntstatus.Success {
		b.Fatalf("NtCreateEvent: %v", st)
	}
	gate(b, 4, func() {
		h, st := s.th.NtOpenEvent(winnt.EVENT_QUERY_STATE, oa)
		if st != ntstatus.Success {
			b.Fatalf("NtOpenEvent: %v", st)
		}
		s.th.NtClose(h)
	})
}

// BenchmarkSetSecurityObject replaces a DACL of one entry. It allocates the new descriptor.
func BenchmarkSetSecurityObject(b *testing.B) {
	s := newBench(b)
	d := sddl.MustParse("D:(A;;GA;;;WD)")
	h, st := s.th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{SecurityDescriptor: d},
		nt.NotificationEvent, false)
	if st != ntstatus.Success {
		b.Fatalf("NtCreateEvent: %v", st)
	}
	gate(b, 20, func() {
		if st := s.th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, d); st != ntstatus.Success {
			b.Fatalf("NtSetSecurityObject: %v", st)
		}
	})
}

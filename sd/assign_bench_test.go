package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// tenInheritable returns a request to create a file in a directory with ten inheritable entries, among them
// placeholders and generic rights.
func tenInheritable() *sd.AssignRequest {
	parent := sddl.MustParse("O:BAG:SYD:AI(D;OICI;FW;;;BG)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)" +
		"(A;OICI;FR;;;BU)(A;OICI;0x1301bf;;;S-1-5-21-1-2-3-2001)(A;OICI;0x1200a9;;;S-1-5-21-1-2-3-2002)" +
		"(A;OICI;GR;;;S-1-5-21-1-2-3-2003)(A;OICI;0x1301bf;;;S-1-5-21-1-2-3-2004)(A;OICI;0x1200a9;;;WD)")
	return &sd.AssignRequest{Parent: parent, Flags: sd.DACLAutoInherit, Subject: caller(),
		Mapping: &winnt.FileObject.Mapping}
}

// BenchmarkAssign10 makes the descriptor of a file below a directory of ten
// inheritable entries.
func BenchmarkAssign10(b *testing.B) {
	r := tenInheritable()
	b.ReportAllocs()
	for b.Loop() {
		if _, st := sd.Assign(r); st != ntstatus.Success {
			b.Fatal(st)
		}
	}
}

// Servers assign one descriptor to each new file, so Assign must make few allocations.
func TestAssignAllocatesLittle(t *testing.T) {
	r := tenInheritable()
	if d, _ := sd.Assign(r); d.DACL().Len() != 10 {
		t.Fatalf("inherited DACL has %d entries, want 10", d.DACL().Len())
	}
	got := testing.AllocsPerRun(100, func() { sd.Assign(r) })
	check.That(t, got <= 6, "Assign made %.0f allocations, want at most 6", got)
}

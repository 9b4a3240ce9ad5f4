package services_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The security of a file is read and written in its tree. If another change came first, the change starts again,
// sixteen times at most. It is recorded once, and later queries of the handle return it (F-114, F-121, O-66, U-73).
func TestTreeFileSecurityIsSwapped(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	const parts = winnt.DACL_SECURITY_INFORMATION
	h := w.open(`\??\T\file`, winnt.WRITE_DAC|winnt.READ_CONTROL, 0)
	for _, c := range []struct {
		unswapped, swaps, records int
		st                        ntstatus.Status
		by                        *nt.Thread
	}{{0, 1, 1, 0, w.Thread}, {1, 2, 1, 0, w.Thread}, {15, 16, 1, 0, w.Thread},
		{16, 16, 1, ntstatus.SharingViolation, w.Thread}, {3, 4, 0, 0, w.in}} {
		w.tree.descriptor, w.tree.unswapped = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)"), c.unswapped
		old := w.tree.descriptor
		m.Drain()
		st := c.by.NtSetSecurityObject(h, parts, sddl.MustParse("D:(A;;0x1;;;SY)"))
		changes := 0
		for _, e := range m.Drain() {
			if e.ID == 4670 {
				changes++
			}
		}
		if got := w.tree.takeCalls(); st != c.st || got != strings.TrimSuffix(strings.Repeat("Swap, ", c.swaps), ", ") ||
			changes != c.records || (w.tree.descriptor == old) != (st != ntstatus.Success) {
			t.Errorf("%+v: %v, %d records, tree calls %q, want the status, records and swaps of the case", c, st, changes, got)
		}
	}
	w.tree.unswapped = 0
	w.tree.descriptor = sddl.MustParse("O:BAG:SYD:(A;;0x2;;;WD)")
	d := check.Result(w.NtQuerySecurityObject(h, parts))
	if text, err := sddl.Format(d, sddl.Options{}); err != nil || text != "D:(A;;DC;;;WD)" && text != "D:(A;;0x2;;;WD)" {
		t.Errorf("descriptor = %s, %v, want the current one with mask 0x2", text, err)
	}
	w.tree.st = ntstatus.DiskFull
	want(t, "query of an unreadable descriptor", check.Status(w.NtQuerySecurityObject(h, parts)), ntstatus.DiskFull)
	want(t, "rejected change", w.NtSetSecurityObject(h, parts, sddl.MustParse("D:(A;;0x1;;;SY)")), ntstatus.DiskFull)
}

// A descriptor that the tree cannot read or write reports the rule of its status: a file without one that counts
// (F-101), one that cannot be stored (F-121), and an error of the host (F-124).
func TestUnreadDescriptorReportsRuleOfItsStatus(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	const parts = winnt.DACL_SECURITY_INFORMATION
	h := w.open(`\??\T\file`, winnt.WRITE_DAC|winnt.READ_CONTROL, 0)
	w.Services().RecordWhy(true)
	for st, rule := range map[ntstatus.Status]string{ntstatus.NoSecurityOnObject: "F-101",
		ntstatus.NotSupported: "F-121", ntstatus.DiskFull: "F-124"} {
		w.tree.st = st
		want(t, "query", check.Status(w.NtQuerySecurityObject(h, parts)), st)
		check.Equal(t, w.Services().TakeWhy().Rule, rule, "rule of a query with %v", st)
		want(t, "set", w.NtSetSecurityObject(h, parts, sddl.MustParse("D:(A;;0x1;;;SY)")), st)
		check.Equal(t, w.Services().TakeWhy().Rule, rule, "rule of a change with %v", st)
	}
}

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

// F-70, F-71, F-120, F-123: a listing asks for its pattern, whether it starts anew, and as many entries as there is
// room for, one where one is asked for, through a handle that may list, from kernel mode too.
func TestListingsOfATree(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	entry := nt.FileEntry{FileBasic: nt.FileBasic{CreationTime: 1}, EndOfFile: 2, AllocationSize: 3, FileName: "n"}
	w.tree.found = []nt.FileEntry{entry}
	lists, reads := w.openFirst(), w.open(`\??\T\dir`, winnt.FILE_READ_ATTRIBUTES, 0)
	for _, c := range []struct {
		length  uint32
		single  bool
		restart bool
		pattern string
		asked   string
	}{
		{0, false, false, "", `List "" false 1 false`}, {63, false, true, "*", `List "*" true 1 false`},
		{64, false, false, "a", `List "a" false 1 false`}, {127, false, false, "", `List "" false 1 false`},
		{128, false, false, "", `List "" false 2 false`}, {128, true, true, "", `List "" true 1 false`},
		{64 * 1024, false, false, "", `List "" false 1024 false`}, {1 << 30, false, false, "", `List "" false 1024 false`},
	} {
		for class, wanted := range map[nt.FileInfoClass]nt.FileEntry{nt.FileDirectoryInformation: entry,
			nt.FileNamesInformation: {FileName: "n"}} {
			in := nt.QueryDirectoryFileIn{FileHandle: lists, FileInformationClass: class, Length: c.length,
				ReturnSingleEntry: c.single, RestartScan: c.restart, FileName: c.pattern}
			out, st := w.Services().NtQueryDirectoryFile(in)
			if got := w.tree.took(); st != ntstatus.Success || got != c.asked || len(out.FileInformation) != 1 ||
				out.FileInformation[0] != wanted {
				t.Errorf("%+v: %v, asked %q, told %+v", c, st, got, out.FileInformation)
			}
			in.FileHandle = reads
			for _, by := range []*nt.Thread{w.Thread, w.in} {
				out, st := by.Services().NtQueryDirectoryFile(in)
				if got := w.tree.took(); st != ntstatus.AccessDenied || got != "" || out.FileInformation != nil {
					t.Errorf("without the right: %v, asked %q", st, got)
				}
			}
		}
	}
	w.tree.st = ntstatus.NoMoreFiles
	out, st := w.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: lists, Length: 64,
		FileInformationClass: nt.FileNamesInformation})
	if want(t, "at the end", st, ntstatus.NoMoreFiles); len(out.FileInformation) > 1 {
		t.Errorf("at the end: %+v", out)
	}
}

// F-114, F-121, O-66, U-73: the security of a file is read and written in its tree; a change begins again where another
// one came before it, sixteen times at most, is recorded once, and is seen by queries of the handle then.
func TestSecurityInATree(t *testing.T) {
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
		if got := w.tree.took(); st != c.st || got != strings.TrimSuffix(strings.Repeat("Swap, ", c.swaps), ", ") ||
			changes != c.records || (w.tree.descriptor == old) != (st != ntstatus.Success) {
			t.Errorf("%+v: %v, %d records, asked %q", c, st, changes, got)
		}
	}
	w.tree.unswapped = 0
	w.tree.descriptor = sddl.MustParse("O:BAG:SYD:(A;;0x2;;;WD)")
	d, st := w.NtQuerySecurityObject(h, parts)
	want(t, "query", st, ntstatus.Success)
	if text, err := sddl.Format(d, sddl.Options{}); err != nil || text != "D:(A;;DC;;;WD)" && text != "D:(A;;0x2;;;WD)" {
		t.Errorf("the descriptor of the moment is told as %s, %v", text, err)
	}
	w.tree.st = ntstatus.DiskFull
	_, st = w.NtQuerySecurityObject(h, parts)
	want(t, "what the tree does not tell", st, ntstatus.DiskFull)
	want(t, "what it does not take", w.NtSetSecurityObject(h, parts, sddl.MustParse("D:(A;;0x1;;;SY)")), ntstatus.DiskFull)
}

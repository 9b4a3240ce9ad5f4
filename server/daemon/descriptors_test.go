package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestPassedDescriptorsAreBounded checks that a connection's table of passed descriptors is bounded: further
// files are only counted, with their rights and since the first, and a repeated file takes no space (F-177).
//
// +checklocksignore
func TestPassedDescriptorsAreBounded(t *testing.T) {
	var l passedDescriptors
	for i := range mostPassed + 3 {
		for range 2 {
			l.add(&kernel.HandedOut{Name: fmt.Sprint(i), Used: winnt.FILE_READ_DATA}, quota.Payer{})
		}
	}
	since := l.others.Since
	l.add(&kernel.HandedOut{Name: "0", Used: winnt.FILE_WRITE_DATA}, quota.Payer{})
	got := l.all(7)
	check.Require(t, len(got), mostPassed+1, "entries")
	for i, e := range got[:mostPassed] {
		if e.Process != 7 || e.Name != fmt.Sprint(i) || e.Times != 2 || e.Used != winnt.FILE_READ_DATA || e.Since.IsZero() {
			t.Errorf("%d: %+v", i, e)
		}
	}
	if e := got[mostPassed]; e.Name != "" || e.Times != 7 || e.Used != winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA ||
		since.IsZero() || !e.Since.Equal(since) || e.Process != 7 {
		t.Errorf("further files: %+v, want them since %v", e, since)
	}
	// The further files can be any, so a revocation by name reports them too.
	c, remains := &connection{}, &inspect.Revoked{}
	c.session.Store(&session{})
	for i := range mostPassed + 1 {
		c.passed.add(&kernel.HandedOut{Name: fmt.Sprintf(`\Device\share\%d`, i)}, quota.Payer{})
	}
	new(Daemon).keepsDescriptors(&revocation{name: `\device\SHARE\1`}, c, false, remains)
	if r := remains.Remains; len(r) != 2 || r[0].Name != `\Device\share\1` || r[1].Name != "" {
		t.Errorf("W-101: remains %+v, want the descriptor of 1 and the further files", r)
	}
}

// TestPassedDescriptorsAreCharged checks that an entry is charged for the name that it keeps until the connection has
// ended, and that without quota the file only counts as a further one (F-177, Q-2).
//
// +checklocksignore
func TestPassedDescriptorsAreCharged(t *testing.T) {
	name := strings.Repeat("x", 4000)
	block := kernel.NewQuotaBlock(nil, 6000, false)
	var l passedDescriptors
	for i := range 2 {
		l.add(&kernel.HandedOut{Name: fmt.Sprint(i) + name, Used: 1}, quota.Payer{Block: block})
	}
	check.That(t, block.Used() >= 4000 && len(l.list) == 1 && l.others.Times == 1,
		"%d bytes charged for %d entries, %d further files, want 4000 or more, 1, 1", block.Used(), len(l.list),
		l.others.Times)
	l.drop()
	check.That(t, block.Used() == 0 && len(l.all(7)) == 0, "after the end %d bytes are charged for %v", block.Used(),
		l.all(7))
}

// TestPassedDescriptorsAreSortedAndFiltered checks that passed descriptors are listed in the order of processes, and
// only those of processes that the caller may query and take handles from (F-177). A daemon without accounts rejects
// requests about them.
//
// +checklocksignore
func TestPassedDescriptorsAreSortedAndFiltered(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	tok := check.Must(token.New(token.LocalSystem()))
	who := access.SubjectOf(tok)
	d := &Daemon{sys: sys, connections: map[*connection]struct{}{}}
	want := []uint64{3, 3, 7, 9, 12, 20, 31}
	for i, process := range slices.Compact(slices.Clone(want)) {
		c := &connection{d: d, full: i%2 == 0}
		c.session.Store(&session{Session: inspect.Session{Process: process}, guard: func() *sd.Descriptor { return nil }})
		c.passed.add(&kernel.HandedOut{Name: "f", Used: 1}, quota.Payer{})
		if i == 0 {
			c.passed.add(&kernel.HandedOut{Name: "g", Used: 1}, quota.Payer{})
		}
		d.connections[c] = struct{}{}
		if answer, st := c.Administer([]byte("{}")); answer != nil || st != ntstatus.NotSupported {
			t.Errorf("accounts: %q, %v, want nil, %v", answer, st, ntstatus.NotSupported)
		}
	}
	d.connections[&connection{d: d}] = struct{}{} // it has no process yet
	var got []uint64
	for _, e := range (&inspector{d: d, who: &who}).passedDescriptors() {
		got = append(got, e.Process)
	}
	check.That(t, slices.Equal(got, want), "F-177: of processes %v, want %v", got, want)
	for mask, want := range map[winnt.AccessMask]int{winnt.PROCESS_QUERY_INFORMATION: 0, winnt.PROCESS_DUP_HANDLE: 0,
		winnt.PROCESS_QUERY_INFORMATION | winnt.PROCESS_DUP_HANDLE: 1} {
		c := &connection{d: d}
		guard := sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;%#x;;;WD)", uint32(mask)))
		c.session.Store(&session{guard: func() *sd.Descriptor { return guard }})
		c.passed.add(&kernel.HandedOut{Name: "f", Used: 1}, quota.Payer{})
		d.connections = map[*connection]struct{}{c: {}}
		list := (&inspector{d: d, who: subjectOf(t, sid.MustParse("S-1-5-21-1-2-3-1107"))}).passedDescriptors()
		check.Equal(t, len(list), want, "F-177: descriptors of a process that grants %#x", uint32(mask))
	}
	check.NoError(t, sys.Close())
}

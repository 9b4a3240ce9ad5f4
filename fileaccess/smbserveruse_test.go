package fileaccess_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// smbWorld returns a client of 15 groups, a directory of ten inheritable entries, the
// fifth of which is for the first of those groups, and a file that has them.
func smbWorld(tb testing.TB) (s *smbSession, dir, file *smbFile) {
	tb.Helper()
	const domain = "S-1-5-21-1-2-3-"
	var groups []sid.SID
	parent, child := "O:BAG:BAD:AI", "O:BAG:BAD:AI"
	for i := range 15 {
		groups = append(groups, sid.MustParse(fmt.Sprint(domain, 2005+i)))
	}
	for i := range 10 {
		parent += fmt.Sprint("(A;OICI;0x1301BF;;;", domain, 2001+i, ")")
		child += fmt.Sprint("(A;ID;0x1301BF;;;", domain, 2001+i, ")")
	}
	s, err := newSMBSession(sid.MustParse(domain+"1001"), groups, sddl.MustParse("D:(A;;FA;;;WD)").Append(nil))
	if err != nil {
		tb.Fatal(err)
	}
	dir = &smbFile{Dir: true, SD: sddl.MustParse(parent).Append(nil)}
	return s, dir, &smbFile{SD: sddl.MustParse(child).Append(nil)}
}

func TestSMBServer(t *testing.T) {
	s, dir, file := smbWorld(t)
	// The maximal access is told in the answer, and MAXIMUM_ALLOWED grants it.
	o, st := s.open("a", dir, file, winnt.MAXIMUM_ALLOWED, fileaccess.FileOpen, 0)
	if st != ntstatus.Success || o.handle.Granted != 0x1301BF || o.max.Access != 0x1301BF {
		t.Fatal(st, o)
	}
	// The new file inherits the ten entries.
	made, st := s.open("b", dir, nil, winnt.GENERIC_ALL, fileaccess.FileCreate, 0)
	if st != ntstatus.Success || made.handle.Granted != 0x1F01FF {
		t.Fatal(st, made)
	}
	own := &smbFile{SD: made.newSD}
	got, st := querySMBSecurity(&made.handle, own, winnt.OWNER_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION)
	if d, err := sd.Decode(got); st != ntstatus.Success || err != nil || d.DACL().Len() != 10 ||
		d.Owner() != s.subject.Effective().User().SID {
		t.Fatalf("%v %v %x", st, err, got)
	}
	// Its owner takes all entries away, and has the owner's rights then.
	if st := s.setSecurity(&made.handle, own, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:P").Append(nil)); st != ntstatus.Success {
		t.Fatal(st)
	}
	if _, st := s.open("b", dir, own, winnt.FILE_WRITE_DATA, fileaccess.FileOpen, 0); st != ntstatus.AccessDenied {
		t.Error("written without an entry:", st)
	}
	if _, st := s.open("b", dir, own, winnt.WRITE_DAC, fileaccess.FileOpen, 0); st != ntstatus.Success {
		t.Error("the owner:", st)
	}
	if st := s.setSecurity(&o.handle, file, winnt.DACL_SECURITY_INFORMATION,
		sddl.MustParse("D:P").Append(nil)); st != ntstatus.AccessDenied {
		t.Error("a handle without WRITE_DAC:", st)
	}
	// What cannot be read grants nothing.
	if _, st := s.open("a", dir, &smbFile{}, winnt.READ_CONTROL, fileaccess.FileOpen, 0); st != ntstatus.AccessDenied {
		t.Error("no descriptor:", st)
	}
}

// TestMaximumAllowedWithEachRight asks the owner of a file that it may read for the
// maximum and one right by name: a right that it does not have refuses the open,
// but a generic execute is taken for what there is, as servers do (F-102).
func TestMaximumAllowedWithEachRight(t *testing.T) {
	s, _, _ := smbWorld(t)
	user := s.subject.Effective().User().SID.String()
	dir := &smbFile{Dir: true, SD: sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)").Append(nil)}
	file := &smbFile{SD: sddl.MustParse("O:" + user + "G:BAD:(A;;FR;;;" + user + ")").Append(nil)}
	const granted = winnt.FILE_GENERIC_READ | winnt.WRITE_DAC // the entry, and the owner's rights
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		want := ntstatus.AccessDenied
		switch {
		case bit&(granted|winnt.GENERIC_READ|winnt.GENERIC_EXECUTE|winnt.MAXIMUM_ALLOWED) != 0:
			want = ntstatus.Success
		case bit == winnt.ACCESS_SYSTEM_SECURITY:
			want = ntstatus.PrivilegeNotHeld
		}
		o, st := s.open("a", dir, file, winnt.MAXIMUM_ALLOWED|bit, fileaccess.FileOpen, 0)
		if st != want || st == ntstatus.Success && o.handle.Granted != granted {
			t.Errorf("%#x: %v %+v, want %v", uint32(bit), st, o, want)
		}
	}
}

// An open of which both descriptors come as bytes takes few allocations.
func TestSMBOpenAllocations(t *testing.T) {
	s, dir, file := smbWorld(t)
	if got := testing.AllocsPerRun(100, func() {
		s.open("a", dir, file, winnt.FILE_READ_DATA, fileaccess.FileOpen, 0)
	}); got > 8 {
		t.Errorf("%.0f allocations, want at most 8", got)
	}
}

func BenchmarkSMBOpen(b *testing.B) {
	s, dir, file := smbWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		s.open("a", dir, file, winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, fileaccess.FileOpen, 0)
	}
}

func BenchmarkSMBCreate(b *testing.B) {
	s, dir, _ := smbWorld(b)
	b.ReportAllocs()
	for b.Loop() {
		s.open("a", dir, nil, winnt.GENERIC_ALL, fileaccess.FileCreate, 0)
	}
}

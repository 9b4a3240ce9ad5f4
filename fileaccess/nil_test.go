package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// What is missing denies, wherever it is missing, and stops no program.
func TestNilDenies(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	r := &fileaccess.Request{Subject: s, Desired: 1, Disposition: fileaccess.FileOpen, Name: "f"}
	f := &fileaccess.Facts{}
	for name, d := range map[string]fileaccess.Decision{
		"Open(nil, nil)": fileaccess.Open(nil, nil), "Open(nil, f)": fileaccess.Open(nil,
			f), "Open(r, nil)": fileaccess.Open(r, nil),
	} {
		if d.Allowed() || d.Status() != ntstatus.InvalidParameter || d.Err() == nil {
			t.Errorf("%s: %v", name, d.Status())
		}
	}
	if d, x := fileaccess.Explain(nil, f); d.Allowed() || x == nil || x.String() == "" {
		t.Error("Explain(nil)")
	}
	for name, d := range map[string]fileaccess.MoveDecision{"DecideRename": fileaccess.DecideRename(nil),
		"DecideLink": fileaccess.DecideLink(nil)} {
		if d.Allowed() || d.Status() != ntstatus.InvalidParameter {
			t.Errorf("%s(nil): %v", name, d.Status())
		}
	}
	for name, m := range map[string]fileaccess.MaximalAccess{"subject": fileaccess.Maximal(nil, f),
		"facts": fileaccess.Maximal(&s, nil)} {
		if m.Allowed() || m.Access != 0 {
			t.Errorf("Maximal without %s: %v", name, m)
		}
	}
	if fileaccess.Can(nil, sd.NoSecurity, 1, nil) != 0 ||
		fileaccess.Visible(nil, sd.NoSecurity, winnt.FILE_ALL_ACCESS, nil) ||
		fileaccess.Visible(&s, nil, winnt.FILE_ALL_ACCESS, nil) {
		t.Error("a nil subject or descriptor has rights")
	}
	for _, c := range []struct {
		s     *access.Subject
		share *fileaccess.Share
	}{{nil, &fileaccess.Share{Descriptor: sd.NoSecurity}}, {&s, nil}, {&s, &fileaccess.Share{}}} {
		if tree, st := fileaccess.Connect(c.s, c.share, nil); st == ntstatus.Success || tree != (fileaccess.Tree{}) {
			t.Errorf("Connect: %v, %v", tree, st)
		}
	}
}

// F-100: a nil handle and one that nothing was granted to may do nothing.
func TestNothingGrantedMayNothing(t *testing.T) {
	for op := fileaccess.Read; op <= fileaccess.SetVolumeInformation; op++ {
		if (*fileaccess.Handle)(nil).May(op) != ntstatus.AccessDenied ||
			new(fileaccess.Handle).May(op) != ntstatus.AccessDenied {
			t.Errorf("F-100: %v", op)
		}
	}
	h := &fileaccess.Handle{Granted: winnt.FILE_ALL_ACCESS}
	for _, h := range []*fileaccess.Handle{nil, {}} {
		if d, st := fileaccess.QuerySecurity(h, sd.NoSecurity, 0); d != nil || st != ntstatus.AccessDenied {
			t.Errorf("F-100 QuerySecurity: %v", st)
		}
		if d, st := fileaccess.SetSecurity(h, &fileaccess.SecurityChange{}); d != nil || st != ntstatus.AccessDenied {
			t.Errorf("F-100 SetSecurity: %v", st)
		}
	}
	if d, st := fileaccess.SetSecurity(h, nil); d != nil || st == ntstatus.Success {
		t.Errorf("SetSecurity(nil): %v", st)
	}
	if d, st := fileaccess.QuerySecurity(h, nil, winnt.DACL_SECURITY_INFORMATION); d != nil ||
		st != ntstatus.NoSecurityOnObject {
		t.Errorf("F-101 QuerySecurity of no descriptor: %v", st)
	}
}

// F-101: an object, a directory on the way and the parent of a new file whose
// descriptor is missing deny, also with intent, which the object's unknown
// ceiling stops.
func TestMissingDescriptorsDeny(t *testing.T) {
	none := func(s *situation) { s.f.Object.Descriptor = nil }
	for name, setup := range map[string][]setup{
		"object":                in(none),
		"object, backup intent": in(none, intent, with(backup)),
		"object, deletable": in(none,
			func(s *situation) { s.f.Parent.Descriptor = sd.NoSecurity }),
		"parent of a new file":   in(create, missing, func(s *situation) { s.f.Parent.Descriptor = nil }),
		"directory on the way":   in(twoDirs, noChangeNotify, func(s *situation) { s.f.Path[0].Descriptor = nil }),
		"share without security": in(share("FA"), func(s *situation) { s.f.Share.Descriptor = nil }),
	} {
		desired := winnt.FILE_READ_DATA
		if name == "object, deletable" {
			desired = winnt.DELETE
		}
		if d, _ := open(t, desired, setup...); d.Allowed() || d.Granted != 0 {
			t.Errorf("F-101 %s: %+v", name, d)
		}
	}
	// A NULL DACL has its label all the same: who is below it does not read, whatever the intent (F-20).
	unread := sddl.MustParse("O:BAG:SYD:NO_ACCESS_CONTROLS:(ML;;NRNW;;;HI)")
	labelled := func(s *situation) { s.f.Object.Descriptor = unread }
	if d, _ := open(t, 1, intent, with(backup), labelled); d.Allowed() || d.Granted != 0 {
		t.Errorf("F-101 a NULL DACL below a label: %+v", d)
	}
	if d, _ := open(t, 1, func(s *situation) { s.f.Object.Descriptor = sd.NoSecurity }); !d.Allowed() ||
		d.Granted != 1 {
		t.Errorf("F-101 no security in words: %+v", d)
	}
}

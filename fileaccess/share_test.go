package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Connect returns the rights that the share grants. A share may report other rights than it grants (F-5). Later opens
// are limited by them (F-6, F-8).
func TestConnectGrantsShareRights(t *testing.T) {
	s := access.SubjectOf(mustToken(t, baseSpec()))
	for _, c := range []struct {
		share fileaccess.Share
		want  fileaccess.Tree
		st    ntstatus.Status
	}{
		{fileaccess.Share{Descriptor: sd.NoSecurity}, fileaccess.Tree{Maximal: 0x1F01FF, Told: 0x1F01FF}, 0},
		{fileaccess.Share{}, fileaccess.Tree{}, denied},
		{fileaccess.Share{Descriptor: aces(t, "(A;;0x1200A9;;;WD)")},
			fileaccess.Tree{Maximal: fileaccess.ShareReadRights, Told: 0x1200A9}, 0},
		{fileaccess.Share{Descriptor: aces(t, "(A;;0x1301BF;;;WD)"), Told: aces(t, "(A;;FA;;;U)")},
			fileaccess.Tree{Maximal: fileaccess.ShareChangeRights, Told: 0x1F01FF}, 0},
		{fileaccess.Share{Descriptor: aces(t, "(A;;FA;;;BA)")}, fileaccess.Tree{}, denied},
		// an earlier result does not count
		{fileaccess.Share{Descriptor: aces(t, "(A;;FA;;;BA)"), Maximal: 0x1F01FF}, fileaccess.Tree{}, denied},
	} {
		if got, st := fileaccess.Connect(&s, &c.share, nil); got != c.want || st != c.st {
			t.Errorf("F-5: Connect to %+v = %+v, %v; want %+v, %v", c.share, got, st, c.want, c.st)
		}
	}
	check.Equal(t, check.Status(fileaccess.Connect(&access.Subject{}, &fileaccess.Share{}, nil)), ntstatus.NoToken,
		"Connect without a subject")
	s.Level = winnt.SecurityIdentification
	check.Equal(t, check.Status(fileaccess.Connect(&s, &fileaccess.Share{}, nil)), ntstatus.BadImpersonationLevel,
		"Connect at SecurityIdentification")
	if d, _ := open(t, 1, share("FA"), func(s *situation) {
		s.f.Share.Descriptor = aces(t, "(A;;FA;;;BA)")
	}); d.Status() != denied || d.Rule != "F-5" {
		t.Errorf("F-5: open on a share that grants nothing: %v by %q, want %v by F-5", d.Status(), d.Rule, denied)
	}
	// A share grants file rights. One that grants only ACCESS_SYSTEM_SECURITY grants nothing.
	if d, _ := open(t, 1, share("FA"), func(s *situation) { s.f.Share.Maximal = 0x01000000 }); d.Rule != "F-5" {
		t.Errorf("F-5: open on a share that grants only ACCESS_SYSTEM_SECURITY: refused by %q, want F-5", d.Rule)
	}
	if d, _ := open(t, 3, share("FA"), func(s *situation) { s.f.Share.Maximal = 0x1200A9 }); d.Rule != "F-6" {
		t.Errorf("F-6: open for more than the rights found at Connect: refused by %q, want F-6", d.Rule)
	}
	if d, _ := open(t, 3, share("0x1200A9"), func(s *situation) { s.f.Share.NoGate = true }); d.Granted != 1 {
		t.Errorf("F-8: open on a share without the check of F-6: granted %v, want 1", d.Granted)
	}
}

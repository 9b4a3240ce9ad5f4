package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Each disposition implies its documented rights for a named stream (F-33).
func TestDispositionOfStreamImpliesRights(t *testing.T) {
	there := func(s *situation) { s.f.Object.Stream, s.f.Object.StreamExists = true, true }
	for _, c := range []struct {
		what   string
		setup  []setup
		want   winnt.AccessMask
		status ntstatus.Status
	}{
		{"overwrite", in(overwrite, there), 3, 0},
		{"overwriteIf", in(overwriteIf, there), 3, 0},
		{"supersede", in(supersede, there), 0x10001, 0},
		{"create", in(create, there), 0, collision},
		{"create missing", in(create, streamMissing), 3, 0},
		{"open missing", in(streamMissing), 0, notFound},
		{"overwrite missing", in(overwrite, streamMissing), 0, notFound},
		{"supersede missing", in(supersede, streamMissing), 3, 0},
		{"read-only volume", in(openIf, streamMissing, readOnlyVol), 0, protected},
		{"stream of a directory", in(overwrite, there, directory), 3, 0},
		{"not a directory", in(dirOption, there, directory), 0, ntstatus.NotADirectory},
	} {
		if d, _ := open(t, 1, c.setup...); d.Granted != c.want || d.Status() != c.status {
			t.Errorf("F-33: %s: %v, granted %v; want %v, %v", c.what, d.Status(), d.Granted, c.status, c.want)
		}
	}
}

// An open for MAXIMUM_ALLOWED and one named right fails if that right is not granted. GENERIC_EXECUTE is ignored, as
// on servers (F-102).
func TestMaximumAllowedStillNeedsNamedRight(t *testing.T) {
	s, _, _ := smbWorld(t)
	user := s.subject.Effective().User().SID.String()
	dir := &smbFile{Dir: true, SD: sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)").Append(nil)}
	file := &smbFile{SD: sddl.MustParse("O:" + user + "G:BAD:(A;;FR;;;" + user + ")").Append(nil)}
	const granted = winnt.FILE_GENERIC_READ | winnt.WRITE_DAC // the entry and the owner's rights
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		want := ntstatus.AccessDenied
		switch {
		case bit&(granted|winnt.GENERIC_READ|winnt.GENERIC_EXECUTE|winnt.MAXIMUM_ALLOWED) != 0:
			want = ntstatus.Success
		case bit == winnt.ACCESS_SYSTEM_SECURITY:
			want = ntstatus.PrivilegeNotHeld
		}
		o, st := s.open("a", dir, file, winnt.MAXIMUM_ALLOWED|bit, fileaccess.FileOpen, 0)
		check.That(t, st == want && (st != ntstatus.Success || o.handle.Granted == granted),
			"open for MAXIMUM_ALLOWED and %#x: %v, %+v; want %v", uint32(bit), st, o, want)
	}
	// Only the observed profile ignores GENERIC_EXECUTE.
	for profile, want := range map[fileaccess.Profile]ntstatus.Status{fileaccess.Observed: ntstatus.Success,
		fileaccess.Documented: ntstatus.AccessDenied} {
		s := newSituation(t)
		s.apply([]setup{o("(A;;FR;;;WD)")})
		s.r.Desired, s.f.Policy.Profile = winnt.MAXIMUM_ALLOWED|winnt.GENERIC_EXECUTE, profile
		check.Equal(t, fileaccess.Open(s.r, s.f).Status(), want, "F-102: profile %v", profile)
	}
}

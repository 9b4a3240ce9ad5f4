package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A label whose SID is not an integrity level counts as no label. The default is Medium with NO_WRITE_UP.
func TestLabelWithoutLevelIsDefault(t *testing.T) {
	bare, _ := sid.New(16) // it has no text form
	for _, s := range []sid.SID{bare, sid.Everyone, sid.MustParse("S-1-5-4096"), sid.LocalSystem} {
		d := labelled(t, s, winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP)
		for want, change := range map[winnt.AccessMask]func(*token.Spec){
			winnt.FILE_READ_DATA: low, winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA: medium} {
			r := newRequest(t, "…", winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA|winnt.MAXIMUM_ALLOWED, primary, change)
			r.Descriptor, r.Desired = d, winnt.MAXIMUM_ALLOWED
			got, err := access.SeAccessCheck(r)
			check.That(t, err == nil && got.Granted&(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA) == want,
				"A-60: label with SID %v: %v, %v; want granted %v", s, got, err, want)
		}
	}
}

// labelled returns a descriptor that allows everything to Everyone and has a label with any SID.
func labelled(t *testing.T, s sid.SID, policy winnt.AccessMask) *sd.Descriptor {
	t.Helper()
	l := check.Must(sd.NewACL(check.Must(sd.NewACE(sd.SystemMandatoryLabel, 0, policy, s))))
	p := mustSD(t, "…(A;;GA;;;WD)").Parts()
	p.SACL, p.Control = l, p.Control|sd.SACLPresent
	return sd.New(p)
}

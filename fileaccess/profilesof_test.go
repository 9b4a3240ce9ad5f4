package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestWhatFaceAndProfileChange: with each right alone, and with all but each, an operation has
// the same answer whatever the face, the profile and how the file was opened, but for those that
// F-25, F-47 and F-55 name.
func TestWhatFaceAndProfileChange(t *testing.T) {
	holder := baseSpec()
	holder.Privileges = winnt.Privileges(winnt.SeManageVolumePrivilege, restore, winnt.SeCreateSymbolicLinkPrivilege)
	holder.EnabledPrivileges = holder.Privileges
	able := access.SubjectOf(mustToken(t, holder))
	const all = 0x011F01FF
	has := func(g, m winnt.AccessMask) bool { return g&m != 0 }
	for op := range fileaccess.SetVolumeInformation + 1 {
		for bit := range 25 {
			for _, granted := range []winnt.AccessMask{1 << bit, all &^ (1 << bit)} {
				plain := (&fileaccess.Handle{Granted: granted, Subject: &able}).May(op)
				for i := range 8 {
					h := fileaccess.Handle{Granted: granted, Subject: &able, ByID: i&4 != 0}
					if i&1 != 0 {
						h.Face = fileaccess.SMB
					}
					if i&2 != 0 {
						h.Profile = fileaccess.Observed
					}
					enough := plain == ntstatus.Success
					switch op {
					case fileaccess.Read:
						enough = enough || i&1 != 0 && has(granted, winnt.FILE_EXECUTE)
					case fileaccess.Write, fileaccess.Extend:
						enough = enough || i&2 != 0 && has(granted, winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA)
					case fileaccess.SetShortName:
						if i&1 != 0 {
							enough = has(granted, winnt.DELETE)
						}
					case fileaccess.QueryName:
						enough = enough && (i&4 == 0 || has(granted, winnt.FILE_TRAVERSE))
					}
					want := plain
					if enough {
						want = ntstatus.Success
					} else if want == ntstatus.Success {
						want = denied
					}
					if got := h.May(op); got != want {
						t.Errorf("%v with %v, face %v, profile %v, by id: %t: %v, want %v", op, granted, h.Face, h.Profile,
							h.ByID, got, want)
					}
				}
			}
		}
	}
}

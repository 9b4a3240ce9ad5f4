package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A decision has the data for its audit record: the audited object, its name, the requested rights and the true
// status (F-80 to F-83).
func TestDecisionHasAuditData(t *testing.T) {
	type want struct {
		about   fileaccess.Audited
		name    string
		desired winnt.AccessMask
		status  ntstatus.Status
	}
	for _, c := range []struct {
		what    string
		desired winnt.AccessMask
		setup   []setup
		want    want
	}{
		// The object's SACL audits an open once, with the requested and implied rights (F-80).
		{"success", 0x80000000, nil, want{fileaccess.AuditObject, "f", 0x120089, 0}},
		{"implied", 1, in(overwrite), want{fileaccess.AuditObject, "f", 0x113, 0}},
		{"denied", 1, in(o("empty")), want{fileaccess.AuditObject, "f", 1, denied}},
		{"privilege", 0x1000000, nil, want{fileaccess.AuditObject, "f", 0x1000000, notHeld}},
		{"cannot delete", 0x10000, in(isReadOnly, deleteOnClose), want{fileaccess.AuditObject, "f", 0x10000, cannot}},
		// A failure that is not about rights is not audited, nor one before there is an object.
		{"not a directory", 1, in(dirOption), want{}},
		{"the options", 1, in(bothDir), want{}},
		{"no right", 0, nil, want{}},
		{"a new read-only file", 0x10000, in(create, missing, attrs(readOnly), deleteOnClose, parentFull), want{}},
		{"privilege for a missing object", 0x1000000, in(missing), want{}},
		// Without an opened object nothing is audited.
		{"no object", 1, in(missing), want{}},
		{"collision", 1, in(create), want{}},
		// The directory that denies a creation or traversal is audited (F-81).
		{"parent", 1, in(create, missing), want{fileaccess.AuditDirectory, "P", 2, denied}},
		{"traverse", 1, in(twoDirs, noChangeNotify), want{fileaccess.AuditDirectory, "a", 0x20, denied}},
		// A denial by the share is audited for the share (F-83).
		{"share", 2, in(share("0x1200A9")), want{fileaccess.AuditShare, "f", 2, denied}},
		{"share, implied", 1, in(share("0x1200A9"), overwrite), want{fileaccess.AuditShare, "f", 0x113, denied}},
		// The audit data keeps the true status of a hidden denial (F-73).
		{"hidden", 1, in(share("FA"), abe, o("empty"), func(s *situation) { s.f.Policy.HideDenied = true }),
			want{fileaccess.AuditObject, "f", 1, denied}},
	} {
		d, s := open(t, c.desired, c.setup...)
		got := want{d.Audit.About, d.Audit.Name, d.Audit.Desired, d.Audit.Status}
		check.That(t, got == c.want && d.Audit.Granted == d.Granted,
			"%s: audit data %+v, want %+v and the granted rights", c.what, d.Audit, c.want)
		switch got.about {
		case fileaccess.AuditObject:
			check.That(t, d.Audit.Descriptor == s.f.Object.Descriptor,
				"%s: the audited descriptor is not that of the object", c.what)
		case fileaccess.AuditDirectory:
			check.That(t, d.Audit.Descriptor != nil, "%s: no audited descriptor, want the directory's", c.what)
		}
	}
	if d, _ := open(t, 1, create, missing, parentFull); d.Audit.Descriptor != d.NewSD || d.NewSD == nil {
		t.Errorf("F-81: a creation is audited with %v, want the new object's descriptor", d.Audit.Descriptor)
	}
	// F-82: each privilege is reported once, and SeChangeNotifyPrivilege never.
	if d, _ := open(t, 1, overwrite, o("(A;;1;;;WD)"), with(restore), twoDirs); d.PrivilegesUsed != restore.Bit() {
		t.Errorf("F-82: used privileges %v, want SeRestorePrivilege", d.PrivilegesUsed.Names())
	}
}

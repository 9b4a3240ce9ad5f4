package fileaccess_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func ExampleHandle_May() {
	h := fileaccess.Handle{Granted: winnt.FILE_GENERIC_READ | winnt.DELETE, Attributes: fileaccess.AttributeReadOnly}
	for _, op := range []fileaccess.Operation{fileaccess.Read, fileaccess.Write, fileaccess.SetDisposition} {
		fmt.Println(op, h.May(op))
	}
	// Output:
	// Read STATUS_SUCCESS
	// Write STATUS_ACCESS_DENIED
	// SetDisposition STATUS_CANNOT_DELETE
}

// A nil handle and one without granted rights allow nothing (F-100).
func TestEmptyHandleAllowsNothing(t *testing.T) {
	for op := fileaccess.Read; op <= fileaccess.SetVolumeInformation; op++ {
		check.That(t, (*fileaccess.Handle)(nil).May(op) == ntstatus.AccessDenied &&
			new(fileaccess.Handle).May(op) == ntstatus.AccessDenied,
			"F-100: May(%v) of an empty handle is not a denial", op)
	}
	last := fileaccess.SetVolumeInformation
	check.Equal(t, fmt.Sprint(last, last+1), "SetVolumeInformation Operation(25)", "names of operations")
	h := &fileaccess.Handle{Granted: winnt.FILE_ALL_ACCESS}
	for _, h := range []*fileaccess.Handle{nil, {}} {
		if d, st := fileaccess.QuerySecurity(h, sd.NoSecurity, 0); d != nil || st != ntstatus.AccessDenied {
			t.Errorf("F-100: QuerySecurity of an empty handle = %v, %v; want nil, %v", d, st, ntstatus.AccessDenied)
		}
		if d, st := fileaccess.SetSecurity(h, &fileaccess.SecurityChange{}); d != nil || st != ntstatus.AccessDenied {
			t.Errorf("F-100: SetSecurity of an empty handle = %v, %v; want nil, %v", d, st, ntstatus.AccessDenied)
		}
	}
	if d, st := fileaccess.SetSecurity(h, nil); d != nil || st == ntstatus.Success {
		t.Errorf("SetSecurity(nil) = %v, %v; want nil and an error status", d, st)
	}
	if d, st := fileaccess.QuerySecurity(h, nil, winnt.DACL_SECURITY_INFORMATION); d != nil ||
		st != ntstatus.NoSecurityOnObject {
		t.Errorf("F-101: QuerySecurity of a nil descriptor = %v, %v; want nil, %v", d, st, ntstatus.NoSecurityOnObject)
	}
}

// For each operation with each right alone, and with all rights but one, interface, profile and the kind of open
// change the result only as F-25, F-47 and F-55 describe.
func TestProfilesDifferOnlyAsDocumented(t *testing.T) {
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
						enough = i&4 == 0 || has(granted, winnt.FILE_TRAVERSE)
					}
					want := plain
					if enough {
						want = ntstatus.Success
					} else if want == ntstatus.Success {
						want = denied
					}
					check.Equal(t, h.May(op), want,
						"%v with %v, face %v, profile %v, opened by id %t", op, granted, h.Face, h.Profile, h.ByID)
				}
			}
		}
	}
}

// Each operation is denied with insufficient rights and allowed with sufficient ones (F-55). The rights of the handle
// decide, not the descriptor (F-52). To enumerate needs the right to list (F-24, F-70). Through SMB, a handle with the
// right to execute may read (F-47).
func TestEachOperationNeedsItsRights(t *testing.T) {
	holder := baseSpec()
	ps := winnt.Privileges(winnt.SeManageVolumePrivilege, restore, winnt.SeCreateSymbolicLinkPrivilege)
	holder.Privileges, holder.EnabledPrivileges = ps, ps
	able := access.SubjectOf(mustToken(t, holder))
	const all = 0x011F01FF
	type masks []winnt.AccessMask
	for _, c := range []struct {
		op     fileaccess.Operation
		face   fileaccess.Face
		enough masks // each of them is sufficient alone
	}{
		{fileaccess.Read, 0, masks{1}}, {fileaccess.Read, fileaccess.SMB, masks{1, 0x20}},
		{fileaccess.Write, 0, masks{2}}, {fileaccess.Extend, 0, masks{4}}, {fileaccess.Flush, 0, masks{2, 4}},
		{fileaccess.QueryBasic, 0, masks{0x80}}, {fileaccess.QueryEA, 0, masks{8}}, {fileaccess.Enumerate, 0, masks{1}},
		{fileaccess.ChangeNotify, 0, masks{1}}, {fileaccess.SetBasic, 0, masks{0x100}},
		{fileaccess.SetEA, 0, masks{0x10}}, {fileaccess.SetEndOfFile, 0, masks{2}},
		{fileaccess.SetAllocation, 0, masks{2}}, {fileaccess.SetValidDataLength, 0, masks{2}},
		{fileaccess.SetShortName, 0, masks{2, 0x100}}, {fileaccess.SetShortName, fileaccess.SMB, masks{0x10000}},
		{fileaccess.Flush, fileaccess.SMB, masks{2, 4}}, {fileaccess.QueryEA, fileaccess.SMB, masks{8}},
		{fileaccess.SetBasic, fileaccess.SMB, masks{0x100}}, {fileaccess.SetEndOfFile, fileaccess.SMB, masks{2}},
		{fileaccess.SetReparsePoint, fileaccess.SMB, masks{2, 0x100}}, {fileaccess.Write, fileaccess.SMB, masks{2}},
		{fileaccess.Extend, fileaccess.SMB, masks{4}}, {fileaccess.QueryOther, fileaccess.SMB, masks{0x100000}},
		{fileaccess.SetValidDataLength, fileaccess.SMB, masks{2}}, {fileaccess.SetDisposition, 0, masks{0x10000}},
		{fileaccess.SetDispositionIgnoreReadOnly, 0, masks{0x10000}}, {fileaccess.SetReparsePoint, 0, masks{2, 0x100}},
		{fileaccess.SetSymbolicLink, 0, masks{2, 0x100}}, {fileaccess.SetSparse, 0, masks{2, 0x100}},
		{fileaccess.CopyFrom, 0, masks{1}}, {fileaccess.CopyTo, 0, masks{2, 4}},
		{fileaccess.CopyToReadBack, 0, masks{3, 5}}, {fileaccess.SetVolumeInformation, 0, masks{2}},
		{fileaccess.QueryOther, 0, masks{0x100000}},
	} {
		may := func(m winnt.AccessMask) ntstatus.Status {
			h := fileaccess.Handle{Granted: m, Face: c.face, Subject: &able}
			return h.May(c.op)
		}
		lacking := winnt.AccessMask(all)
		for _, m := range c.enough {
			check.Equal(t, may(m), 0, "%v with %v", c.op, m)
			lacking &^= m
		}
		st := may(lacking)
		check.That(t, st == denied || c.op == fileaccess.QueryOther, "%v with %v: %v, want %v", c.op, lacking, st, denied)
	}
	for _, op := range []fileaccess.Operation{fileaccess.SetValidDataLength, fileaccess.SetShortName,
		fileaccess.SetSymbolicLink} {
		if h := (fileaccess.Handle{Granted: all}); h.May(op) != notHeld {
			t.Errorf("%v without its privilege: %v, want %v", op, h.May(op), notHeld)
		}
	}
	// The client's privileges count from SecurityImpersonation on. The server's never count (T-102).
	server, plain := mustToken(t, holder), mustToken(t, baseSpec())
	for _, c := range []struct {
		client *token.Token
		level  winnt.SecurityImpersonationLevel
		want   ntstatus.Status
	}{
		{nil, 0, 0}, {server, winnt.SecurityAnonymous, notHeld}, {server, winnt.SecurityIdentification, notHeld},
		{server, winnt.SecurityImpersonation, 0}, {server, winnt.SecurityDelegation, 0},
		{plain, winnt.SecurityDelegation, notHeld},
	} {
		s := &access.Subject{Primary: server, Client: c.client, Level: c.level}
		for _, op := range []fileaccess.Operation{fileaccess.SetValidDataLength, fileaccess.SetShortName,
			fileaccess.SetSymbolicLink} {
			check.Equal(t, (&fileaccess.Handle{Granted: all, Subject: s}).May(op), c.want, "%v by a client at %v", op, c.level)
		}
	}
	// A read-only file is not deleted (FO-079).
	for _, c := range []struct {
		granted winnt.AccessMask
		op      fileaccess.Operation
		want    ntstatus.Status
	}{
		{0x10000, fileaccess.SetDisposition, cannot}, {0x10100, fileaccess.SetDisposition, cannot},
		{0x10000, fileaccess.SetDispositionIgnoreReadOnly, cannot}, {0x10100, fileaccess.SetDispositionIgnoreReadOnly, 0},
	} {
		check.Equal(t, (&fileaccess.Handle{Granted: c.granted, Attributes: readOnly}).May(c.op), c.want,
			"%v of a read-only file with %v", c.op, c.granted)
	}
	h := fileaccess.Handle{Granted: 2, Directory: true}
	check.That(t, h.May(fileaccess.SetEndOfFile) == invalid && h.May(fileaccess.SetAllocation) == invalid &&
		h.May(fileaccess.SetVolumeInformation+1) == invalid,
		"SetEndOfFile and SetAllocation of a directory, and an unknown operation: want %v for each", invalid)
	for notEmpty, want := range map[bool]ntstatus.Status{false: 0, true: ntstatus.DirectoryNotEmpty} {
		h = fileaccess.Handle{Granted: winnt.DELETE, Directory: true, NotEmpty: notEmpty}
		check.Equal(t, h.May(fileaccess.SetDisposition), want, "deletion of a directory with entries: %t", notEmpty)
	}
	h = fileaccess.Handle{Granted: 4, Profile: fileaccess.Observed}
	check.That(t, h.May(fileaccess.Write) == 0 && h.May(fileaccess.Extend) == 0,
		"observed profile: a handle with FILE_APPEND_DATA may not write and extend, want both allowed")
}

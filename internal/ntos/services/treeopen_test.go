package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An open passes the decision and the share modes to the tree. If the place changed it repeats the lookup, sixteen
// times at most. A failed open leaves nothing (F-110, F-112, F-114, F-116).
func TestOpenRepeatsLookupOfChangedPlace(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	before := len(handles(t, w.Thread))
	for _, c := range []struct {
		name   string
		in     nt.CreateFileIn
		path   string
		st     ntstatus.Status
		calls  string
		action fileaccess.Action
		again  int
		tree   ntstatus.Status
	}{
		{"open", nt.CreateFileIn{DesiredAccess: 1, ShareAccess: 5, CreateDisposition: winnt.FILE_OPEN}, "file", 0,
			"Open file for 0x1 share 5: " + fmt.Sprint(fileaccess.Opened), fileaccess.Opened, 0, 0},
		{"open below", nt.CreateFileIn{DesiredAccess: 2, ShareAccess: 2, CreateDisposition: winnt.FILE_OPEN},
			`dir\file`, 0, `Open dir\file for 0x2 share 2: ` + fmt.Sprint(fileaccess.Opened), fileaccess.Opened, 0, 0},
		{"make", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: uint32(fileaccess.FileCreate)}, "new", 0,
			"Open new for 0x1 share 0: " + fmt.Sprint(fileaccess.Created), fileaccess.Created, 0, 0},
		{"overwrite", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: uint32(fileaccess.FileOverwrite)}, "file", 0,
			"Open file for 0x113 share 0: " + fmt.Sprint(fileaccess.Overwritten), fileaccess.Overwritten, 0, 0},
		{"missing", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: winnt.FILE_OPEN}, "new",
			ntstatus.ObjectNameNotFound, "", 0, 0, 0},
		{"file exists", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: uint32(fileaccess.FileCreate)}, "file",
			ntstatus.ObjectNameCollision, "", 0, 0, 0},
		{"no such disposition", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: 6}, "file",
			ntstatus.InvalidParameter, "", 0, 0, 0},
		{"changed once", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: winnt.FILE_OPEN}, "file", 0,
			"again, Open file for 0x1 share 0: " + fmt.Sprint(fileaccess.Opened), fileaccess.Opened, 1, 0},
		{"changed fifteen times", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: winnt.FILE_OPEN}, "file", 0,
			"", fileaccess.Opened, 15, 0},
		{"changed sixteen times", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: winnt.FILE_OPEN}, "file",
			ntstatus.SharingViolation, "", 0, 16, 0},
		{"shared otherwise", nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: winnt.FILE_OPEN}, "file",
			ntstatus.DeletePending, "Open file for 0x1 share 0: " + fmt.Sprint(fileaccess.Opened), 0, 0,
			ntstatus.DeletePending},
	} {
		for _, below := range []bool{false, true} {
			w.tree.opening, w.tree.st = true, ntstatus.Success
			object, prefix := &nt.ObjectAttributes{ObjectName: `\??\T\` + c.path}, ""
			if below {
				object.RootDirectory = w.openFirst()
				object.ObjectName, prefix = c.path, `top dir\`
			}
			w.tree.again, w.tree.st = c.again, c.tree
			c.in.ObjectAttributes = nt.Cap(object)
			out, st := w.Services().NtCreateFile(c.in)
			calls := c.calls
			if below {
				calls = strings.Replace(calls, "Open ", "Open "+prefix, 1)
			}
			if got := w.tree.takeCalls(); st != c.st || c.calls != "" && got != calls || out.Information != c.action {
				t.Errorf("%s, below a directory %v: %v, %v, tree calls %q, want %v, %v, %q", c.name, below, st,
					out.Information, got, c.st, c.action, calls)
			}
			made := 0
			if st == ntstatus.Success {
				made = 1
			}
			if below {
				made++
			}
			check.Equal(t, len(handles(t, w.Thread)), before+made, "%s, below a directory %v: process: handles",
				c.name, below)
			for h := range handles(t, w.Thread) {
				check.Success(t, w.NtClose(h))
			}
			w.tree.takeCalls()
		}
	}
}

// A refused lookup or open reports the rule of its status, so that NtCreateFile's table of conditions holds, and is
// not charged (F-112, F-113, F-116, F-117, F-123, F-124, Q-7). The open of a file outside of the trees reports none.
func TestRefusedOpenReportsRuleOfItsStatus(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}), winnt.SeImpersonatePrivilege)
	w.Services().RecordWhy(true)
	first := w.open(`\??\T\file`, 1, 0)
	for _, c := range []struct {
		lost, opened ntstatus.Status
		rule         string
		full         bool
	}{
		{opened: ntstatus.TooManyOpenedFiles, rule: "Q-7", full: true},
		{lost: ntstatus.ObjectNameInvalid, rule: "F-113"},
		{lost: ntstatus.AccessDenied, rule: "F-112"},
		{opened: ntstatus.SharingViolation, rule: "F-116"},
		{opened: ntstatus.DeletePending, rule: "F-117"},
		{opened: ntstatus.TooManyOpenedFiles, rule: "F-123"},
		{opened: ntstatus.DiskFull, rule: "F-124"},
	} {
		w.tree.lost, w.tree.opening, w.tree.st, w.tree.full = c.lost, true, c.opened, c.full
		_, st := w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
		want(t, "open", st, c.lost|c.opened)
		check.Equal(t, w.Services().TakeWhy().Rule, c.rule, "rule of %v", st)
	}
	w.tree.lost, w.tree.st, w.tree.full = 0, 0, false
	_, st := w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\new`}, 7, 0)
	want(t, "open a missing file", st, ntstatus.ObjectNameNotFound)
	check.NoError(t, w.sys.CreateFile("plain", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	w.Services().RecordWhy(true)
	plain, st := w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: "plain"}, 7, 0)
	want(t, "open a plain name", st, ntstatus.Success)
	check.Equal(t, plain, first+4, "handle after the refused opens, which keep no entry of the table")
	check.Equal(t, w.Services().TakeWhy(), nt.Why{}, "reason of a success")
	check.Equal(t, w.tree.request.Disposition, fileaccess.FileOpen, "F-110: disposition of NtOpenFile")
	devices := check.Result(w.NtOpenDirectoryObject(winnt.DIRECTORY_TRAVERSE, &nt.ObjectAttributes{ObjectName: `\??`}))
	below := &nt.ObjectAttributes{RootDirectory: devices, ObjectName: `T\file`}
	for w.tree.again = range 2 {
		check.Success(t, check.Status(w.NtOpenFile(1, below, 7, 0)))
		check.Equal(t, w.Services().TakeWhy(), nt.Why{}, "reason of a success below a directory of names, repeated")
	}
	w.tree.full = true // the first file of another user is left to the tree
	w.impersonate(w.sys.KernelMode(w.Thread), client, winnt.SecurityImpersonation)
	w.open(`\??\T\file`, 1, 0)
	_, st = w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
	want(t, "the second file of that user", st, ntstatus.TooManyOpenedFiles)
}

// A name is found without its directory if the file's own descriptor grants the open, or if the name is missing.
// Otherwise the directory may grant the request (F-26, F-181).
func TestRefusedOpenReadsDirectory(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.direct = true
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;0x41;;;WD)") // to read, and to delete children
	open := "Open file for %v share 7: " + fmt.Sprint(fileaccess.Opened)
	for _, c := range []struct {
		name   string
		rights winnt.AccessMask
		st     ntstatus.Status
		calls  string
	}{
		{"file", winnt.FILE_READ_DATA, 0, "FindDirect, " + open},
		{"file", winnt.DELETE, 0, "FindDirect, Find, " + open},
		{"file", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied, "FindDirect, Find"},
		{"new", winnt.FILE_READ_DATA, ntstatus.ObjectNameNotFound, "FindDirect"},
		{"new", winnt.ACCESS_SYSTEM_SECURITY, ntstatus.PrivilegeNotHeld, "FindDirect, Find"},
	} {
		h, st := w.NtOpenFile(c.rights, &nt.ObjectAttributes{ObjectName: `\??\T\` + c.name}, 7, 0)
		want(t, c.name, st, c.st)
		check.Equal(t, w.tree.takeCalls(), strings.Replace(c.calls, "%v", c.rights.String(), 1), "tree calls")
		if st == ntstatus.Success {
			check.Success(t, w.NtClose(h))
			w.tree.takeCalls()
		}
	}
}

// openFirst opens a directory, so that names can be relative to it.
func (w *treeWorld) openFirst() winnt.Handle {
	return w.open(`\??\T\top dir`, winnt.FILE_LIST_DIRECTORY, 0)
}

// A name relative to a tree file is in that tree, and the share modes of NtOpenFile reach the tree. A name relative
// to another file is in no tree (O-23, F-110).
func TestNameRelativeToTreeFileIsInThatTree(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	null := check.Result(w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	dir := w.openFirst()
	for _, c := range []struct {
		root winnt.Handle
		name string
		st   ntstatus.Status
	}{
		{dir, `file`, 0}, {dir, `\file`, ntstatus.ObjectPathSyntaxBad}, {dir, `\`, ntstatus.ObjectPathSyntaxBad},
		{dir, `\??\T\file`, ntstatus.ObjectPathSyntaxBad}, {null, `file`, ntstatus.ObjectTypeMismatch},
		{0x7770, "file", ntstatus.InvalidHandle},
	} {
		for _, share := range []uint32{0, 1, 7} {
			h, st := w.NtOpenFile(1, &nt.ObjectAttributes{RootDirectory: c.root, ObjectName: c.name}, share, 0)
			if want(t, c.name, st, c.st); st != ntstatus.Success {
				continue
			}
			check.Equal(t, w.tree.takeCalls(), fmt.Sprintf(`Open top dir\file for 0x1 share %d: %v`, share,
				fileaccess.Opened), "%s: tree calls", c.name)
			check.Success(t, w.NtClose(h))
			w.tree.takeCalls()
		}
	}
}

// NtDeleteFile opens the file for DELETE with all share modes and without following a link, marks it for deletion and
// closes it, even if the tree refuses the deletion (F-117, F-110).
func TestDeleteFileOpensMarksAndCloses(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	before := len(handles(t, w.Thread))
	for _, refused := range []ntstatus.Status{0, ntstatus.CannotDelete} {
		w.tree.st = refused
		calls := fmt.Sprintf("Open file for 0x10000 share 7: %v, SetDelete true, Close file", fileaccess.Opened)
		if refused != ntstatus.Success {
			calls = fmt.Sprintf("Open file for 0x10000 share 7: %v, Close file", fileaccess.Opened)
		}
		_, st := w.Services().NtDeleteFile(nt.DeleteFileIn{ObjectAttributes: nt.Cap(named(`\??\T\file`))})
		want(t, "delete", st, refused)
		if got := w.tree.takeCalls(); got != calls || w.tree.options != fileaccess.OpenReparsePoint {
			t.Errorf("tree calls = %q with options %#x, want %q without following links", got, w.tree.options, calls)
		}
		n := len(handles(t, w.Thread))
		check.That(t, n == before, "NtDeleteFile left %d handles, want none", n-before)
	}
	_, st := w.Services().NtDeleteFile(nt.DeleteFileIn{ObjectAttributes: nt.Cap(named(`\Device\Null`))})
	want(t, "a file in no tree", st, ntstatus.NotSupported)
}

// A link and a file without a name are created like new files, with all share modes, if the tree supports them
// (F-192, F-197).
func TestLinksAndNamelessFilesAreCreated(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	link := func(name, target string) (winnt.Handle, ntstatus.Status) {
		return w.sys.MakeLink(w.Thread, nt.ObjectAttributes{ObjectName: name}, target, nil)
	}
	nameless := func(name, _ string) (winnt.Handle, ntstatus.Status) {
		return w.sys.MakeNameless(w.Thread, nt.ObjectAttributes{ObjectName: name}, 3, nil, nil)
	}
	for _, c := range []struct {
		what         string
		make         func(name, target string) (winnt.Handle, ntstatus.Status)
		name, target string
		special      bool
		st           ntstatus.Status
		calls        string
		options      fileaccess.CreateOptions
	}{
		{"a link", link, `\??\T\new`, "to", true, 0, "MakesLink to, Open new for 0x100080 share 7: %v",
			fileaccess.NonDirectoryFile | fileaccess.OpenReparsePoint},
		{"a link to nothing", link, `\??\T\new`, "", true, ntstatus.NotSupported, "", 0},
		{"a link to another tree", link, `\??\T\new`, "to", false, ntstatus.NotSupported, "MakesLink to", 0},
		{"existing link", link, `\??\T\file`, "to", true, ntstatus.ObjectNameCollision, "MakesLink to", 0},
		{"a link in no tree", link, `\Device\Null`, "to", true, ntstatus.NotSupported, "", 0},
		{"nameless", nameless, `\??\T\new`, "", true, 0, "MakesNameless, Open new for 0x3 share 7: %v",
			fileaccess.NonDirectoryFile},
		{"nameless in another tree", nameless, `\??\T\new`, "", false, ntstatus.NotSupported, "MakesNameless", 0},
		{"nameless in no tree", nameless, `\Device\Null`, "", true, ntstatus.NotSupported, "", 0},
	} {
		w.tree.special, w.tree.options = c.special, 0
		h, st := c.make(c.name, c.target)
		calls := c.calls
		if st == ntstatus.Success {
			calls = fmt.Sprintf(c.calls, fileaccess.Created)
		}
		if got := w.tree.takeCalls(); st != c.st || got != calls || w.tree.options != c.options || (h != 0) != (st == 0) {
			t.Errorf("%s: handle %v, %v, tree calls %q with options %#x, want %v, %q with %#x", c.what, h, st, got,
				w.tree.options, c.st, calls, c.options)
		}
	}
}

// If the record of an open cannot be written, the call fails with STATUS_AUDIT_FAILED in place of its own result.
// Kernel mode writes no record (U-64, F-80).
func TestOpenOfTreeFileFailsWithoutItsRecord(t *testing.T) {
	sink := &limitedSink{}
	w := newTreeWorld(t, recorded(t, sink, audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}))
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SAFA;FA;;;WD)")
	before := handles(t, w.Thread)
	for rights, wanted := range map[winnt.AccessMask]ntstatus.Status{1: ntstatus.Success, 2: ntstatus.AccessDenied} {
		for _, by := range []*nt.Thread{w.Thread, w.in} {
			for _, full := range []bool{true, false} {
				status, calls := wanted, ""
				if full && by == w.Thread {
					status = ntstatus.AuditFailed
				}
				if wanted == ntstatus.Success {
					calls = fmt.Sprintf("Open file for 0x1 share 7: %v, Close file", fileaccess.Opened)
				}
				sink.full = full
				h, st := by.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
				sink.full = false
				if want(t, fmt.Sprintf("rights %d, full %v", rights, full), st, status); st == ntstatus.Success {
					check.Success(t, by.NtClose(h))
				}
				check.Equal(t, w.tree.takeCalls(), calls, "rights %d, log full %v: tree calls", rights, full)
				after := handles(t, w.Thread)
				check.That(t, len(after) == len(before),
					"rights %d, log full %v: handles %v before, %v after, want no new handle", rights, full, before, after)
			}
		}
	}
	// The record of a share is required whatever the file's own SACL says.
	sink.full, w.tree.descriptor = true, sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")
	w.tree.share = &fileaccess.Share{Descriptor: w.tree.descriptor}
	want(t, "through a share", check.Status(w.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)),
		ntstatus.AuditFailed)
	sink.full, w.tree.share = false, nil
	// The next handle gets the value that the failed open had reserved.
	check.Equal(t, check.Result(w.NtCreateEvent(1, nil, nt.NotificationEvent, false)), 4, "first handle")
}

// Outside of trees, files can be opened but not created. An invalid disposition has a different status from one that
// would create a file (F-10, F-110).
func TestFilesOutsideTreesCannotBeCreated(t *testing.T) {
	sys, th := userThread(t, token.LocalSystem())
	check.NoError(t, sys.CreateFile("plain", sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")))
	for d, want := range map[fileaccess.Disposition]ntstatus.Status{
		fileaccess.FileSupersede: ntstatus.NotSupported, fileaccess.FileOpen: ntstatus.Success,
		fileaccess.FileCreate: ntstatus.NotSupported, fileaccess.FileOpenIf: ntstatus.Success,
		fileaccess.FileOverwrite: ntstatus.NotSupported, fileaccess.FileOverwriteIf: ntstatus.NotSupported,
		fileaccess.FileOverwriteIf + 1: ntstatus.InvalidParameter, 0xFFFFFFFF: ntstatus.InvalidParameter,
	} {
		h, made, st := th.NtCreateFile(nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA, CreateDisposition: uint32(d),
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: "plain"})})
		if st != want || (h != 0) != (want == ntstatus.Success) || want == ntstatus.Success && made != fileaccess.Opened {
			t.Errorf("F-110: disposition %d: handle %v, action %v, %v, want %v", d, h, made, st, want)
		}
	}
}

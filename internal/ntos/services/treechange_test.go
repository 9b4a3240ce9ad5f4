package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Each class has its own structure and right, and its values reach the tree. Without the right, or with the wrong
// length, the tree is not called (F-55, F-117, F-119, F-174, I-133).
func TestSetFileInformationNeedsRightAndLength(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	basic := nt.FileBasic{CreationTime: 1, LastAccessTime: 2, LastWriteTime: 3, ChangeTime: 4,
		FileAttributes: fileaccess.AttributeArchive}
	values := map[nt.FileInfoClass]any{nt.FileBasicInformation: basic,
		nt.FileDispositionInformation: nt.FileDisposition{DeleteFile: true},
		nt.FilePositionInformation:    nt.FilePosition{CurrentByteOffset: 9},
		nt.FileEndOfFileInformation:   nt.FileEndOfFile{EndOfFile: 77},
		nt.FileRenameInformation:      nt.FileRename{FileName: "x"}, nt.FileLinkInformation: nt.FileRename{FileName: "y"}}
	for class, c := range map[nt.FileInfoClass]struct {
		need  winnt.AccessMask
		calls string
	}{
		nt.FileBasicInformation:       {winnt.FILE_WRITE_ATTRIBUTES, fmt.Sprintf("SetBasic %v", basic)},
		nt.FileDispositionInformation: {winnt.DELETE, "SetDelete true"},
		nt.FilePositionInformation:    {0, ""},
		nt.FileEndOfFileInformation:   {winnt.FILE_WRITE_DATA, "SetSize 77"},
	} {
		for _, rights := range []winnt.AccessMask{winnt.FILE_ALL_ACCESS, winnt.FILE_ALL_ACCESS &^ c.need} {
			h := w.open(`\??\T\file`, rights, synchronous)
			for _, by := range []*nt.Thread{w.Thread, w.in} {
				for other, v := range values {
					wanted, calls := ntstatus.InfoLengthMismatch, ""
					if fmt.Sprintf("%T", v) == fmt.Sprintf("%T", values[class]) {
						wanted, calls = ntstatus.Success, c.calls
						if rights&c.need != c.need {
							wanted, calls = ntstatus.AccessDenied, ""
						}
					}
					_, st := by.Services().NtSetInformationFile(nt.SetInformationFileIn{FileHandle: h,
						FileInformationClass: class, FileInformation: nt.Cap(v)})
					got := w.tree.takeCalls()
					check.That(t, st == wanted && got == calls,
						"%v with the structure of %v, handle with %#x: %v, tree calls %q, want %v, %q", class, other, uint32(rights), st,
						got, wanted, calls)
				}
			}
			check.Success(t, w.NtClose(h))
		}
	}
	for _, class := range []nt.FileInfoClass{nt.FileStandardInformation, nt.FileNameInformation, 0, 1, 99} {
		want(t, class.String(), w.set(0x7770, class, basic), ntstatus.InvalidInfoClass)
	}
	null := check.Result(w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	for class, v := range values {
		want(t, "of no handle", w.set(0x7770, class, v), ntstatus.InvalidHandle)
		want(t, "of another file", w.set(null, class, v), ntstatus.InvalidParameter)
	}
	for _, c := range []struct {
		options fileaccess.CreateOptions
		to      int64
		st      ntstatus.Status
	}{{synchronous, 0, 0}, {synchronous, 1 << 40, 0}, {synchronous, -1, ntstatus.InvalidParameter},
		{0, 0, ntstatus.InvalidParameter}, {0, 5, ntstatus.InvalidParameter}, {0, -1, ntstatus.InvalidParameter}} {
		h := w.open(`\??\T\file`, winnt.FILE_READ_DATA, c.options)
		want(t, "a position", w.set(h, nt.FilePositionInformation, nt.FilePosition{CurrentByteOffset: c.to}), c.st)
	}
	w.tree.facts = nt.FileFacts{Directory: true, NotEmpty: true}
	h := w.open(`\??\T\dir`, winnt.DELETE, 0)
	for remove, wanted := range map[bool]ntstatus.Status{true: ntstatus.DirectoryNotEmpty, false: ntstatus.Success} {
		want(t, "a directory that is not empty", w.set(h, nt.FileDispositionInformation,
			nt.FileDisposition{DeleteFile: remove}), wanted)
	}
	check.Equal(t, w.tree.takeCalls(), "SetDelete false", "tree calls")
	w.tree.facts = nt.FileFacts{FileBasic: nt.FileBasic{FileAttributes: fileaccess.AttributeReadOnly}}
	for remove, wanted := range map[bool]ntstatus.Status{true: ntstatus.CannotDelete, false: ntstatus.Success} {
		want(t, "a file for reading only", w.set(h, nt.FileDispositionInformation,
			nt.FileDisposition{DeleteFile: remove}), wanted)
	}
}

// A rename and a link name their target: in the same directory, below an open directory, or by a full name in the
// same tree. The decision uses the caller and the rights of its handle (F-57, F-59, F-118).
func TestRenameTargetMayBeRelativeOrFull(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	root, other := w.openFirst(), w.open(`\??\U\other dir`, winnt.FILE_LIST_DIRECTORY, 0)
	null := check.Result(w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0))
	const rights = winnt.DELETE | winnt.FILE_READ_ATTRIBUTES
	top, deep := w.open(`\??\T\file`, rights, 0), w.open(`\??\T\dir\dir\file`, rights, 0)
	for _, c := range []struct {
		name  string
		h     winnt.Handle
		to    nt.FileRename
		st    ntstatus.Status
		calls string
	}{
		{"in the root", top, nt.FileRename{FileName: "x"}, 0, "Move x root - replace false"},
		{"in a directory", deep, nt.FileRename{FileName: "x"}, 0, `Move dir\dir\x root - replace false`},
		{"in place of another", deep, nt.FileRename{FileName: "x", ReplaceIfExists: true}, 0,
			`Move dir\dir\x root - replace true`},
		{"below a directory", deep, nt.FileRename{FileName: "x", RootDirectory: root}, 0,
			"Move x root top dir replace false"},
		{"a full name", deep, nt.FileRename{FileName: `\??\T\a\b`}, 0, `Move a\b root - replace false`},
		{"a full name, case", top, nt.FileRename{FileName: `\??\t\a\b`, ReplaceIfExists: true}, 0,
			`Move a\b root - replace true`},
		{"a full name elsewhere", top, nt.FileRename{FileName: `\??\U\a`}, ntstatus.NotSameDevice, ""},
		{"a full name nowhere", top, nt.FileRename{FileName: `\??\X\a`}, ntstatus.NotSameDevice, ""},
		{"below a directory elsewhere", top, nt.FileRename{FileName: "x", RootDirectory: other}, ntstatus.NotSameDevice, ""},
		{"below a device", top, nt.FileRename{FileName: "x", RootDirectory: null}, ntstatus.NotSameDevice, ""},
		{"below nothing", top, nt.FileRename{FileName: "x", RootDirectory: 0x7770}, ntstatus.InvalidHandle, ""},
	} {
		for class, link := range map[nt.FileInfoClass]bool{nt.FileRenameInformation: false, nt.FileLinkInformation: true} {
			st, calls := w.set(c.h, class, c.to), c.calls
			if calls != "" {
				calls += fmt.Sprintf(" link %v", link)
			}
			if got := w.tree.takeCalls() + w.more.takeCalls(); st != c.st || got != calls {
				t.Errorf("%s, link %v: %v, tree calls %q, want %v, %q", c.name, link, st, got, c.st, calls)
			}
			if m := w.tree.move; st == ntstatus.Success && (m.Granted != rights ||
				m.Subject.Effective().User().SID.String() != svc) {
				t.Errorf("%s, link %v: decision for rights %#x and user %v, want the handle's rights and user %s",
					c.name, link, uint32(m.Granted), m.Subject.Effective().User().SID, svc)
			}
			w.tree.move, w.tree.decision = fileaccess.Move{}, fileaccess.MoveDecision{}
		}
	}
	// A longer name is charged until it is replaced or the file is closed, unless the rename fails.
	used := w.quota.Used()
	for _, c := range []struct {
		name      string
		class     nt.FileInfoClass
		st        ntstatus.Status
		n, charge int
	}{{"a link", nt.FileLinkInformation, 0, 3000, 0}, {"no move", nt.FileRenameInformation, ntstatus.DiskFull, 3000, 0},
		{"a rename", nt.FileRenameInformation, 0, 3000, 3000}, {"a shorter name", nt.FileRenameInformation, 0, 2000, 2000},
		{"the old length", nt.FileRenameInformation, 0, len("file"), 0}} {
		if w.tree.st = 0; c.st == ntstatus.DiskFull {
			w.tree.st = c.st
		}
		check.Equal(t, w.set(top, c.class, nt.FileRename{FileName: strings.Repeat("n", c.n)}), c.st, c.name)
		got := int(w.quota.Used() - used)
		check.That(t, got == 0 && c.charge == 0 || got >= c.charge && c.charge > 0 && got < 5*c.charge,
			"%s: %d bytes are charged, want about %d", c.name, got, c.charge)
	}
	w.tree.st = 0
	w.tree.takeCalls()
	// A rename starts from the present path of the root or file, which an earlier rename may have changed (F-57, Q-2).
	w.tree.now = `to\` + strings.Repeat("d", 3000) + `\file`
	want(t, "a rename after a move", w.set(top, nt.FileRenameInformation, nt.FileRename{FileName: "x"}), 0)
	check.That(t, strings.HasPrefix(w.tree.takeCalls(), "Move "+strings.TrimSuffix(w.tree.now, "file")+"x root - "),
		"F-57: a plain name left the file's present directory")
	want(t, "back to the old length", w.set(top, nt.FileRenameInformation, nt.FileRename{FileName: `\??\T\file`}), 0)
	check.Equal(t, w.quota.Used(), used, "bytes charged after the old length")
	want(t, "a rename below a moved root", w.set(top, nt.FileRenameInformation,
		nt.FileRename{RootDirectory: root, FileName: "x"}), 0)
	check.That(t, w.quota.Used()-used >= 3000, "Q-2: %d bytes are charged below a long root", w.quota.Used()-used)
	w.tree.now = ""
	want(t, "the old length", w.set(top, nt.FileRenameInformation, nt.FileRename{FileName: "file"}), 0)
	w.tree.takeCalls()
	p := w.context().Thread().Process()
	p.SetQuota(kernel.NewQuotaBlock(nil, 1000, false))
	long := nt.FileRename{FileName: strings.Repeat("n", 3000)}
	want(t, "a long name without quota", w.set(top, nt.FileRenameInformation, long), ntstatus.QuotaExceeded)
	check.Equal(t, len(w.tree.takeCalls()), 0, "Q-2: bytes of tree calls without quota")
	p.SetQuota(w.quota)
	// A rename needs DELETE and a link FILE_WRITE_ATTRIBUTES, in the handle's granted access (F-57, F-59).
	for granted, renamed := range map[winnt.AccessMask]bool{winnt.DELETE: true,
		winnt.FILE_ALL_ACCESS &^ winnt.DELETE: false} {
		h := w.open(`\??\T\file`, granted, 0)
		for class, wanted := range map[nt.FileInfoClass]bool{nt.FileRenameInformation: renamed,
			nt.FileLinkInformation: !renamed} {
			w.set(h, class, nt.FileRename{FileName: "x"})
			got := w.tree.decision.Status() == ntstatus.AccessDenied
			check.That(t, got != wanted, "handle grants %#x: %v is denied = %v, want %v", uint32(granted), class, got, !wanted)
		}
	}
}

// A listing passes its pattern, restart flag and maximum number of entries to the tree. The maximum is one if a
// single entry is requested. It requires the right to list, even in kernel mode (F-70, F-71, F-120, F-123).
func TestDirectoryListingPassesPattern(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	entry := nt.FileEntry{FileBasic: nt.FileBasic{CreationTime: 1}, EndOfFile: 2, AllocationSize: 3, FileName: "n"}
	w.tree.found = []nt.FileEntry{entry}
	lists, reads := w.openFirst(), w.open(`\??\T\dir`, winnt.FILE_READ_ATTRIBUTES, 0)
	for _, c := range []struct {
		length          uint32
		single, restart bool
		pattern, calls  string
	}{
		{0, false, false, "", `List "" false 1 false`}, {63, false, true, "*", `List "*" true 1 false`},
		{64, false, false, "a", `List "a" false 1 false`}, {127, false, false, "", `List "" false 1 false`},
		{128, false, false, "", `List "" false 2 false`}, {128, true, true, "", `List "" true 1 false`},
		{64 * 1024, false, false, "", `List "" false 1024 false`}, {1 << 30, false, false, "", `List "" false 1024 false`},
	} {
		for class, wanted := range map[nt.FileInfoClass]nt.FileEntry{nt.FileDirectoryInformation: entry,
			nt.FileNamesInformation: {FileName: "n"}} {
			in := nt.QueryDirectoryFileIn{FileHandle: lists, FileInformationClass: class, Length: c.length,
				ReturnSingleEntry: c.single, RestartScan: c.restart, FileName: c.pattern}
			out, st := w.Services().NtQueryDirectoryFile(in)
			if got := w.tree.takeCalls(); st != ntstatus.Success || got != c.calls || len(out.FileInformation) != 1 ||
				out.FileInformation[0] != wanted {
				t.Errorf("%+v: %v, tree calls %q, entries %+v, want one entry and the calls of the case",
					c, st, got, out.FileInformation)
			}
			in.FileHandle = reads
			for _, by := range []*nt.Thread{w.Thread, w.in} {
				out, st := by.Services().NtQueryDirectoryFile(in)
				if got := w.tree.takeCalls(); st != ntstatus.AccessDenied || got != "" || out.FileInformation != nil {
					t.Errorf("listing without the right: %v, tree calls %q, want STATUS_ACCESS_DENIED and no call", st, got)
				}
			}
		}
	}
	used := w.quota.Used()
	for _, restart := range []bool{false, true} {
		check.Success(t, check.Status(w.NtQueryDirectoryFile(lists, "a*", restart)))
		check.Equal(t, w.tree.takeCalls(), fmt.Sprintf(`List "a*" %t 1024 false`, restart), "tree calls")
	}
	check.Equal(t, w.quota.Used(), used, "Q-2: bytes charged after later calls of the same scan")
	w.tree.st = ntstatus.NoMoreFiles
	out, st := w.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: lists, Length: 64,
		FileInformationClass: nt.FileNamesInformation})
	if want(t, "at the end", st, ntstatus.NoMoreFiles); len(out.FileInformation) > 1 {
		t.Errorf("listing at the end = %+v, want at most one entry", out)
	}
}

// With access-based enumeration a listing shows the entries that the client may read, by the entry and by the share
// (F-71).
func TestAccessBasedListingNeedsReadAccess(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}), winnt.SeImpersonatePrivilege)
	w.tree.found = []nt.FileEntry{{FileName: "n"}}
	const most = "(A;;0x120081;;;WD)" // FILE_GENERIC_READ without FILE_READ_EA
	for _, c := range []struct {
		share, entry string
		shown        int
	}{{"(A;;FR;;;WD)", "(A;;FR;;;WD)", 1}, {most, "(A;;FA;;;WD)", 0}, {"(A;;FA;;;WD)", most, 0}} {
		w.tree.share = &fileaccess.Share{Descriptor: sddl.MustParse("O:SYG:SYD:" + c.share), ABE: true}
		w.tree.descriptor = sddl.MustParse("O:SYG:SYD:" + c.entry)
		h := w.open(`\??\T\dir`, winnt.FILE_LIST_DIRECTORY, 0)
		list, st := w.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: h, Length: 64,
			FileInformationClass: nt.FileNamesInformation})
		check.That(t, st == ntstatus.Success && len(list.FileInformation) == c.shown,
			"F-71: share %s, entry %s: %v, %v, want %d entries", c.share, c.entry, list.FileInformation, st, c.shown)
	}
	everybody := sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")
	w.tree.descriptor, w.tree.share = everybody, &fileaccess.Share{Descriptor: everybody, ABE: true}
	h := w.open(`\??\T\dir`, winnt.FILE_LIST_DIRECTORY, 0)
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;FA;;;" + client + ")")
	for _, shown := range []int{0, 1} {
		list, _ := w.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: h, Length: 64, RestartScan: true,
			FileInformationClass: nt.FileNamesInformation})
		check.Equal(t, len(list.FileInformation), shown, "F-71: entries that the client alone may read")
		w.impersonate(w.sys.KernelMode(w.Thread), client, winnt.SecurityImpersonation)
	}
	w.sys.KernelMode(w.Thread).PsRevertToSelf()
	w.tree.descriptor, w.tree.names = everybody, true
	for _, every := range []bool{false, true} {
		w.tree.share = &fileaccess.Share{Descriptor: everybody, ABE: !every}
		h := w.open(`\??\T\dir`, winnt.FILE_LIST_DIRECTORY, 0)
		check.Equal(t, w.context().ListsSameNames(h), every, "F-71: everybody gets the same names")
		w.tree.takeCalls()
		w.context().ListNames(h, 0)
		check.Equal(t, w.tree.takeCalls() == "", every, "F-71: the names come without a check of each")
	}
}

// ListNames decides like NtQueryDirectoryFile. It adds . and .. at the start of a listing, and lists those of the tree
// nowhere. Only a tree with names for everybody reports that they are the same (F-70, F-110).
func TestListNamesAddsDotsOnce(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	w.tree.found = []nt.FileEntry{{FileName: "."}, {FileName: "a"}, {FileName: ".."},
		{FileName: "d", FileBasic: nt.FileBasic{FileAttributes: fileaccess.AttributeDirectory}},
		{FileName: "l", FileBasic: nt.FileBasic{FileAttributes: fileaccess.AttributeReparsePoint}},
		{FileName: "b", FileBasic: nt.FileBasic{
			FileAttributes: fileaccess.AttributeDirectory | fileaccess.AttributeReparsePoint}}}
	rest := []nt.DirectoryName{{Name: "a"}, {Name: "d", Directory: true}, {Name: "l", Link: true},
		{Name: "b", Directory: true, Link: true}}
	all := append([]nt.DirectoryName{{Name: ".", Directory: true}, {Name: "..", Directory: true}}, rest...)
	dir := w.open(`\??\T\dir`, winnt.FILE_LIST_DIRECTORY, 0)
	for after, want := range map[uint64][]nt.DirectoryName{0: all, 7: rest} {
		list, st := w.context().ListNames(dir, after)
		check.That(t, st == ntstatus.Success && slices.Equal(list, want), "ListNames after %d: %v, %v, want %v", after,
			list, st, want)
		check.Equal(t, w.tree.takeCalls(), fmt.Sprintf(`List "" %t 1024 false`, after == 0), "calls of the tree")
	}
	w.tree.found, w.tree.st = nil, ntstatus.NoMoreFiles
	list, st := w.context().ListNames(dir, 0)
	check.That(t, st == ntstatus.NoMoreFiles && list == nil, "ListNames at the end: %v, %v", list, st)
	w.tree.st = ntstatus.Success
	w.tree.takeCalls()
	blind := w.open(`\??\T\dir`, winnt.FILE_READ_ATTRIBUTES, 0)
	null := w.open(`\??\NUL`, winnt.FILE_READ_DATA, 0)
	for h, want := range map[winnt.Handle]ntstatus.Status{blind: ntstatus.AccessDenied, null: ntstatus.InvalidParameter,
		0x7770: ntstatus.InvalidHandle} {
		list, st := w.context().ListNames(h, 0)
		check.That(t, list == nil && st == want, "ListNames of %v: %v, %v, want nil, %v", h, list, st, want)
		check.That(t, !w.context().ListsSameNames(h), "ListsSameNames of %v: true, want false", h)
	}
	check.Equal(t, w.tree.takeCalls(), "", "calls of the tree after refusals")
	check.That(t, !w.context().ListsSameNames(dir), "ListsSameNames of a tree that cannot tell: true, want false")
}

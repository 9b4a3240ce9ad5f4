package services_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// uses returns the records since the last call: the number, the name of the object and the mask.
func uses(m *audit.Memory) (out []string) {
	for _, text := range fieldsOf(m, "ObjectName", "RelativeTargetName", "AccessMask") {
		out = append(out, strings.ReplaceAll(text, `\Device\T`, ""))
	}
	return out
}

// U-38, F-80, F-157, F-178: what is done with a file of a tree is recorded by the right that it uses, once for
// each handle and right, for the file of that handle; its close is recorded too, and nothing of kernel mode.
func TestRecordsOfUses(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	const all = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES
	for _, kernelMode := range []bool{false, true} {
		by := w.Thread
		if kernelMode {
			by = w.in
		}
		open := func(name string, rights winnt.AccessMask) winnt.Handle {
			h, st := by.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\T\` + name}, 7, 0)
			want(t, "open", st, ntstatus.Success)
			return h
		}
		m.Drain()
		a, b := open("a", all), open("b", all)
		dir := open("dir", winnt.FILE_LIST_DIRECTORY)
		read := func() ntstatus.Status {
			_, st := by.Services().NtReadFile(nt.ReadFileIn{FileHandle: a, Length: 4})
			return st
		}
		for i, c := range []struct {
			name string
			do   func() ntstatus.Status
			want []string
		}{
			{"three opens", func() ntstatus.Status { return 0 }, []string{`4656 \a 0x87`, `4656 \b 0x87`, `4656 \dir 0x1`}},
			{"read", read, []string{`4663 \a 0x1`}}, {"read again", read, nil},
			{"write", func() ntstatus.Status {
				_, st := by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: a, Buffer: nt.Cap([]byte("x"))})
				return st
			}, []string{`4663 \a 0x2`}},
			{"append", func() ntstatus.Status {
				_, st := by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: a, Buffer: nt.Cap([]byte("x")), ByteOffset: atEnd})
				return st
			}, []string{`4663 \a 0x4`}},
			{"write over the end", func() ntstatus.Status {
				_, st := by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: b, Buffer: nt.Cap([]byte("x")), ByteOffset: 10})
				return st
			}, []string{`4663 \b 0x2`}},
			{"refill", func() ntstatus.Status { return w.context().Refill(a, b) }, []string{`4663 \b 0x1`}},
			{"list", func() ntstatus.Status {
				_, st := by.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: dir, Length: 64,
					FileInformationClass: nt.FileNamesInformation})
				return st
			}, []string{`4663 \dir 0x1`}},
			{"close", func() ntstatus.Status { return by.NtClose(a) }, []string{`4658`}},
			{"close the other", func() ntstatus.Status { return by.NtClose(b) }, []string{`4658`}},
			{"close the directory", func() ntstatus.Status { return by.NtClose(dir) }, []string{`4658`}},
		} {
			if kernelMode {
				c.want = nil
			}
			want(t, c.name, c.do(), ntstatus.Success)
			if got := uses(m); !slices.Equal(got, c.want) {
				t.Errorf("%d, %s, kernel mode %v: %q, want %q", i, c.name, kernelMode, got, c.want)
			}
		}
	}
}

// F-178: a request through a share is one record, however often the place changes before it is opened; with
// MAXIMUM_ALLOWED it names what was granted, and kernel mode leaves none.
func TestRecordsOfAShare(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	w.tree.share = &fileaccess.Share{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)"), Path: "/srv"}
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;0x3;;;WD)")
	for _, again := range []int{0, 1, 5} {
		for asked, mask := range map[winnt.AccessMask]string{1: "0x1", winnt.GENERIC_READ: "0x120089",
			// The directory that may be listed brings FILE_READ_ATTRIBUTES.
			winnt.MAXIMUM_ALLOWED: "0x83", winnt.MAXIMUM_ALLOWED | 1: "0x83"} {
			for _, by := range []*nt.Thread{w.Thread, w.in} {
				w.tree.again = again
				m.Drain()
				h, st := by.NtOpenFile(asked, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
				w.tree.again = 0
				var wanted []string
				if by == w.Thread {
					wanted = []string{`5145 \file ` + mask}
				}
				if got := uses(m); !slices.Equal(got, wanted) {
					t.Errorf("asked %#x, changed %d times: %q (%v), want %q", uint32(asked), again, got, st, wanted)
				}
				if st == ntstatus.Success {
					want(t, "close", by.NtClose(h), ntstatus.Success)
				}
			}
		}
	}
}

// M-20: a rename as POSIX has it replaces what is open, a directory by a directory and a file by a file, and no
// other, and moves what has opens below.
func TestRenamesAsPosix(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	h := w.open(`\??\T\dir\file`, winnt.DELETE, 0)
	for _, c := range []struct {
		moved, there bool // directories
		refused      bool
	}{{false, false, false}, {true, true, false}, {false, true, true}, {true, false, true}} {
		w.tree.move = fileaccess.Move{Directory: c.moved, OpensBelow: true, ReplaceIfExists: true,
			Existing: &fileaccess.Existing{IsDirectory: c.there, Open: true, Descriptor: w.tree.descriptor},
			Target: fileaccess.Facts{Object: fileaccess.Object{Exists: true, IsDirectory: true,
				Descriptor: w.tree.descriptor}, Parent: &fileaccess.Directory{Descriptor: w.tree.descriptor}}}
		want(t, "rename", w.sys.RenamePosix(w.Thread, h, `\??\T\new`, true), ntstatus.Success)
		if got := w.tree.decision.Status() != ntstatus.Success; got != c.refused {
			t.Errorf("a directory %v to a directory %v: %v", c.moved, c.there, w.tree.decision.Status())
		}
		if got := w.tree.took(); got != "Move new root - replace true link false" {
			t.Errorf("asked %q", got)
		}
	}
	null, st := w.NtOpenFile(3, &nt.ObjectAttributes{ObjectName: `\Device\Null`}, 0, 0)
	want(t, "open a device", st, ntstatus.Success)
	want(t, "another file", w.sys.RenamePosix(w.Thread, null, `\??\T\new`, true), ntstatus.ObjectTypeMismatch)
	want(t, "no file", w.sys.RenamePosix(w.Thread, 0x7770, `\??\T\new`, true), ntstatus.InvalidHandle)
}

// O-60: the descriptor among the facts of an object is that of the file, also of one that was just made.
func TestDescriptorOfANewFile(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	d := sddl.MustParse("O:" + svc + "G:BGD:P(A;;FA;;;WD)(A;;0x1;;;BA)")
	for name, size := range map[string]uint32{"file": uint32(w.tree.descriptor.Size()), "new": uint32(d.Size())} {
		h, _, st := w.NtCreateFile(nt.CreateFileIn{DesiredAccess: 1, CreateDisposition: uint32(fileaccess.FileOpenIf),
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\T\` + name, SecurityDescriptor: d})})
		want(t, "open "+name, st, ntstatus.Success)
		v, st := w.NtQueryObject(h, nt.ObjectBasicInformation)
		want(t, "query", st, ntstatus.Success)
		if got := v.(nt.BasicInformation).SecurityDescriptorSize; got != size {
			t.Errorf("%s: %d bytes, want %d", name, got, size)
		}
	}
}

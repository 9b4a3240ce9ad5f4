package services_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The first use of each right of a handle of a tree file writes one record, with the file of that handle. So does the
// first use through a duplicate of a handle that was not used (O-53). The close is recorded too. Kernel mode writes no
// records (U-38, F-80, F-157, F-178).
func TestEachRightIsRecordedAtFirstUse(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")
	w.tree.data, w.tree.facts.EndOfFile = "0123456789", 10
	const all = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA | winnt.FILE_READ_ATTRIBUTES
	for _, kernelMode := range []bool{false, true} {
		setEverything(t, w.sys.Audit(), audit.Options{})
		by := w.Thread
		if kernelMode {
			by = w.in
		}
		open := func(name string, rights winnt.AccessMask) winnt.Handle {
			return check.Result(by.NtOpenFile(rights, &nt.ObjectAttributes{ObjectName: `\??\T\` + name}, 7, 0))
		}
		m.Drain()
		root := open("", winnt.FILE_LIST_DIRECTORY)
		a, c := open("a", all), open("c", all)
		b := check.Result(by.NtOpenFile(all, &nt.ObjectAttributes{RootDirectory: root, ObjectName: "b"}, 7, 0))
		dir := open("dir", winnt.FILE_LIST_DIRECTORY)
		d, copied := open("d", all), winnt.Handle(0)
		readOf := func(h *winnt.Handle) func() ntstatus.Status {
			return func() ntstatus.Status {
				return check.Status(by.Services().NtReadFile(nt.ReadFileIn{FileHandle: *h, Length: 4}))
			}
		}
		read := readOf(&a)
		appended := func() ntstatus.Status {
			return check.Status(by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: a, Buffer: nt.Cap([]byte("x")),
				ByteOffset: atEnd}))
		}
		for i, c := range []struct {
			name string
			do   func() ntstatus.Status
			want []string
		}{
			{"six opens", func() ntstatus.Status { return 0 }, []string{`4656 \ 0x1`, `4656 \a 0x87`, `4656 \c 0x87`,
				`4656 \b 0x87`, `4656 \dir 0x1`, `4656 \d 0x87`}},
			{"read", read, []string{`4663 \a 0x1`}}, {"read again", read, nil},
			{"write", func() ntstatus.Status {
				_, st := by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: a, Buffer: nt.Cap([]byte("x"))})
				return st
			}, []string{`4663 \a 0x2`}},
			{"the policy fails closed from now on", func() ntstatus.Status {
				setEverything(t, w.sys.Audit(), audit.Options{CrashOnAuditFail: audit.FailOnAuditFail})
				return 0
			}, nil},
			{"append", appended, []string{`4663 \a 0x4`}}, {"append again", appended, nil},
			{"write at the end", func() ntstatus.Status {
				return check.Status(by.Services().NtWriteFile(nt.WriteFileIn{FileHandle: b, Buffer: nt.Cap([]byte("x")),
					ByteOffset: 10}))
			}, []string{`4663 \b 0x2`}},
			{"refill", func() ntstatus.Status { return w.context().Refill(a, b) }, []string{`4663 \b 0x1`}},
			{"collect writes", func() ntstatus.Status { return w.context().Refill(c, 0) }, []string{`4663 \c 0x2`}},
			{"replace by them", func() ntstatus.Status { return w.context().Refill(c, c) }, nil},
			{"list", func() ntstatus.Status {
				return check.Status(by.Services().NtQueryDirectoryFile(nt.QueryDirectoryFileIn{FileHandle: dir,
					Length: 64, FileInformationClass: nt.FileNamesInformation}))
			}, []string{`4663 \dir 0x1`}},
			{"all uses in advance", func() ntstatus.Status { return w.context().RecordUses(b) },
				[]string{`4663 \b 0x84`}},
			{"and again", func() ntstatus.Status { return w.context().RecordUses(b) }, nil},
			{"duplicate", func() (st ntstatus.Status) {
				copied, st = by.NtDuplicateObject(-1, d, -1, 0, 0, winnt.DUPLICATE_SAME_ACCESS)
				return st
			}, []string{`4690`}},
			{"read through the duplicate", readOf(&copied), []string{`4663 \d 0x1`}},
			{"and again", readOf(&copied), nil},
			{"read through its source", readOf(&d), []string{`4663 \d 0x1`}},
			{"close", func() ntstatus.Status { return by.NtClose(a) }, []string{`4658`}},
			{"close the other", func() ntstatus.Status { return by.NtClose(b) }, []string{`4658`}},
			{"close the directory", func() ntstatus.Status { return by.NtClose(dir) }, []string{`4658`}},
		} {
			if kernelMode {
				c.want = nil
			}
			want(t, c.name, c.do(), ntstatus.Success)
			check.SlicesEqual(t, drainUses(m), c.want, "step %d, %s, kernel mode %v: records", i, c.name, kernelMode)
		}
	}
}

// Under the observed profile FILE_WRITE_DATA lets a handle append too, and the record of the first append has the right
// of the handle (F-55, U-38).
func TestAppendIsRecordedWithRightOfHandle(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)")
	w.tree.profile = fileaccess.Observed
	for rights, mask := range map[winnt.AccessMask]string{winnt.FILE_WRITE_DATA: "0x2", winnt.FILE_APPEND_DATA: "0x4",
		winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA: "0x4"} {
		h := w.open(`\??\T\a`, rights, 0)
		m.Drain()
		_, st := w.Services().NtWriteFile(nt.WriteFileIn{FileHandle: h, Buffer: nt.Cap([]byte("x")), ByteOffset: atEnd})
		check.Success(t, st)
		check.SlicesEqual(t, drainUses(m), []string{`4663 \a ` + mask}, "records of an append with %v", rights)
	}
}

// The record of an open names the entry of the directory for a right that came from it. The file and its directory
// have the same descriptor here (F-80).
func TestRecordNamesEntryOfDirectory(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	for _, c := range []struct {
		dacl      string
		requested winnt.AccessMask
		st        ntstatus.Status
		want      string
	}{
		{"(A;;0x81;;;WD)", 0x81, 0, "4656 %%4416: %%1801 D:(A;;CCLO;;;WD) %%4423: %%1801 D:(A;;CCLO;;;WD)"},
		{"(A;;0x1;;;WD)", 0x81, 0, "4656 %%4416: %%1801 D:(A;;CC;;;WD) %%4423: %%1811 D:(A;;CC;;;WD)"},
		{"(A;;0x1;;;WD)", winnt.MAXIMUM_ALLOWED, 0, "4656 %%4416: %%1801 D:(A;;CC;;;WD) %%4423: %%1811 D:(A;;CC;;;WD)"},
		{"(A;;0x40;;;WD)", 0x10000, 0, "4656 %%1537: %%1811 D:(A;;DT;;;WD)"},
		{"(A;;0x81;;;WD)", 0x10082, ntstatus.AccessDenied,
			"4656 %%1537: %%1805 %%4417: %%1805 %%4423: %%1811 D:(A;;CCLO;;;WD)"},
		{"(D;;SD;;;WD)", 0x10000, ntstatus.AccessDenied, "4656 %%1537: %%1802 D:(D;;SD;;;WD)"},
	} {
		w.tree.descriptor = sddl.MustParse("O:SYG:SYD:" + c.dacl + "S:(AU;SAFA;FA;;;WD)")
		m.Drain()
		h, st := w.Thread.NtOpenFile(c.requested, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
		want(t, c.want, st, c.st)
		got := fieldsOf(m, "AccessReason")
		for i := range got {
			got[i] = strings.Join(strings.Fields(got[i]), " ")
		}
		check.That(t, slices.Equal(got, []string{c.want}), "%s, asked %v: %q, want %q", c.dacl, c.requested, got,
			c.want)
		if st == ntstatus.Success {
			check.Success(t, w.Thread.NtClose(h))
		}
	}
}

// The reason of a refusal names the cause of an invalid stored descriptor, unless the file has another descriptor that
// decided (F-204).
func TestReasonNamesInvalidDescriptor(t *testing.T) {
	w := newTreeWorld(t, newWorld(t, kernel.Config{}))
	for _, c := range []struct {
		cause      error
		descriptor *sd.Descriptor
		named      bool
	}{{errors.New("bad hash"), nil, true}, {errors.New("bad hash"), sddl.MustParse("O:SYG:SYD:"), false},
		{nil, nil, false}} {
		w.tree.cause, w.tree.descriptor = c.cause, c.descriptor
		w.Services().RecordWhy(true)
		_, st := w.NtOpenFile(winnt.FILE_READ_DATA, &nt.ObjectAttributes{ObjectName: `\??\T\file`}, 7, 0)
		want(t, "open", st, ntstatus.AccessDenied)
		why := w.Services().TakeWhy().Because
		check.That(t, strings.HasSuffix(why, "\nits stored descriptor is invalid: bad hash\n") == c.named,
			"F-204: cause %v, descriptor %v: reason %q, want the cause in it: %t", c.cause, c.descriptor, why, c.named)
	}
}

// A request through a share is recorded once, even if the lookup is repeated. With MAXIMUM_ALLOWED the record has the
// granted rights. Kernel mode writes no record (F-178).
func TestRequestThroughShareIsRecordedOnce(t *testing.T) {
	m := audit.NewMemory(0, 0)
	w := newTreeWorld(t, recorded(t, m, audit.Options{}))
	w.tree.share = &fileaccess.Share{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)"), Path: "/srv"}
	w.tree.descriptor = sddl.MustParse("O:SYG:SYD:(A;;0x3;;;WD)")
	for _, again := range []int{0, 1, 5} {
		for requested, mask := range map[winnt.AccessMask]string{1: "0x1", winnt.GENERIC_READ: "0x120089",
			// The right to list the directory implies FILE_READ_ATTRIBUTES for the file.
			winnt.MAXIMUM_ALLOWED: "0x83", winnt.MAXIMUM_ALLOWED | 1: "0x83"} {
			for _, by := range []*nt.Thread{w.Thread, w.in} {
				root := check.Result(by.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\`}, 7, 0))
				dir := check.Result(by.NtOpenFile(1, &nt.ObjectAttributes{ObjectName: `\??\T\dir`}, 7, 0))
				for name, target := range map[nt.ObjectAttributes]string{
					{ObjectName: `\??\T\file`}: `\file `, {RootDirectory: root, ObjectName: "file"}: `\file `,
					{RootDirectory: dir, ObjectName: "file"}: `\dir\file `} {
					w.tree.again = again
					m.Drain()
					h, st := by.NtOpenFile(requested, &name, 7, 0)
					w.tree.again = 0
					var wanted []string
					if by == w.Thread {
						wanted = []string{`5145 ` + target + mask}
					}
					got := drainUses(m)
					check.That(t, slices.Equal(got, wanted), "requested %#x of %s, place changed %d times: records %q (%v), want %q",
						uint32(requested), name.ObjectName, again, got, st, wanted)
					if st == ntstatus.Success {
						check.Success(t, by.NtClose(h))
					}
				}
				want(t, "close the root", by.NtClose(root), ntstatus.Success)
				want(t, "close the directory", by.NtClose(dir), ntstatus.Success)
			}
		}
	}
}

// drainUses returns the records since the last call: the event number, the object's name and the mask.
func drainUses(m *audit.Memory) (out []string) {
	for _, text := range fieldsOf(m, "ObjectName", "RelativeTargetName", "AccessMask") {
		out = append(out, strings.ReplaceAll(text, `\Device\T`, ""))
	}
	return out
}

package hostfs

import (
	"encoding/hex"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// decodeDOS reads user.DOSATTRIB. Samba 4.17 wrote the first three values, for an ordinary file, a read-only and
// hidden one and a hidden directory. It shows their attributes as 20, 23 and 12 (F-130).
func TestDecodeDOSReadsSambaForm(t *testing.T) {
	for _, c := range []struct {
		value string
		want  dos
	}{
		{"0000050005000000110000002000000040b73006c579dd01", dos{0x20, true, 0x01dd79c50630b740}},
		{"000005000500000011000000230000001abe3106c579dd01", dos{0x23, true, 0x01dd79c50631be1a}},
		{"00000500050000001100000012000000f4793206c579dd01", dos{0x02, true, 0x01dd79c5063279f4}},
		{"30783233", dos{}}, // 0x23 without the final zero byte
		{"3078323300", dos{0x23, true, 0}},
		{"0000050005000000100000002300000000000000000000ff", dos{}},
		{"0000040004000000110000002300000040b73006c579dd01", dos{}},
		{"000005000500000001000000230000000000000000000000", dos{0x23, true, 0}},
		{"0000050005000000010000002300000040b73006c579dd01", dos{0x23, true, 0}}, // a time that is not valid
		{"000005000500000011000000230000001abe3106c579dd0100", dos{}},            // another length, other versions
		{"000006000500000011000000230000001abe3106c579dd01", dos{}},
		{"000005000600000011000000230000001abe3106c579dd01", dos{}},
		{"010005000500000011000000230000001abe3106c579dd01", dos{}},
		{"00000500", dos{}}, {"", dos{}},
	} {
		b := check.Must(hex.DecodeString(c.value))
		check.Equal(t, decodeDOS(b), c.want, "decodeDOS(%s)", c.value)
	}
}

func FuzzDOSAttributes(f *testing.F) {
	f.Add([]byte("0x23\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d := decodeDOS(b); d.attributes&^dosKept != 0 || d.created < 0 || !d.there && d.attributes != 0 {
			t.Errorf("decodeDOS returned impossible attributes or time: %+v", d)
		}
	})
}

// A file that is read-only on the file server can be neither written nor deleted, and is not replaced by a rename.
// Its attributes are shown, also in listings (F-38, F-39, F-58, F-130).
func TestReadOnlyFileCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	const all = "D:P(A;;FA;;;WD)"
	w.describe("", "O:BAG:SYD:P"+all[3:])
	w.file("f", "x", all)
	w.file("g", "x", all)
	value := check.Must(hex.DecodeString("000005000500000011000000230000001abe3106c579dd01"))
	if err := setAttribute(w.path("f"), dosName, value); err != nil {
		t.Skipf("%s cannot be set in %s: %v", dosName, w.root, err)
	}
	// A value that is too long for any known form counts as none.
	w.must(setAttribute(w.path("g"), dosName, make([]byte, smallAttribute+1)))
	th := w.as(bob)
	w.open(th, "f", winnt.FILE_WRITE_DATA, ntstatus.AccessDenied)
	w.create(th, "f", call{desired: winnt.DELETE, disposition: fileaccess.FileOpen, options: fileaccess.DeleteOnClose},
		ntstatus.CannotDelete)
	h := w.open(th, "f", winnt.FILE_READ_ATTRIBUTES|winnt.DELETE, ntstatus.Success)
	w.deletes(th, h, ntstatus.CannotDelete)
	// Clearing the disposition is not a deletion, so the attribute does not matter.
	w.want(th.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{}), ntstatus.Success)
	v, st := th.NtQueryInformationFile(h, nt.FileBasicInformation)
	basic, ok := v.(nt.FileBasic)
	if w.want(st, ntstatus.Success); !ok || basic.FileAttributes != 0x23 || basic.CreationTime != 0x01dd79c50631be1a {
		t.Errorf("basic information of the read-only file: %+v, want attributes 0x23 and the stored creation time", v)
	}
	g := w.open(th, "g", winnt.DELETE, ntstatus.Success)
	w.renames(th, g, nt.FileRename{FileName: "f", ReplaceIfExists: true}, ntstatus.AccessDenied)
	d := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
	list, st := th.NtQueryDirectoryFile(d, "f", true)
	if w.want(st, ntstatus.Success); len(list) != 1 || list[0].FileAttributes != 0x23 {
		t.Errorf("listing of the read-only file: %+v, want one entry with attributes 0x23", list)
	}
	w.mustClose(th, h, g, d)
}

// The DOS attributes of an unchanged file are read once, and again after a change. For a file that has just changed,
// or without a change time, they are read each time (F-115, F-130).
func TestDOSAttributesAreCachedUntilChange(t *testing.T) {
	old := time.Now().Add(-time.Hour).Unix()
	rest := unix.Statx_t{Ino: 1, Ctime: unix.StatxTimestamp{Sec: old}}
	young, none := rest, rest
	young.Ctime.Sec, none.Ctime.Sec = time.Now().Add(time.Hour).Unix(), 0
	hidden := dos{attributes: fileaccess.AttributeHidden, there: true}
	empty, err := os.CreateTemp(t.TempDir(), "empty") // It has no attributes, so a new read returns none.
	check.NoError(t, err)
	defer empty.Close()
	f := &file{t: &Tree{settling: settled}, fd: int(empty.Fd())}
	keep := func(s *unix.Statx_t) {
		f.keeping.Lock()
		defer f.keeping.Unlock()
		f.keepLocked(hidden, s)
	}
	later := rest
	later.Ctime.Sec++
	for i, c := range []struct {
		kept, current *unix.Statx_t
		want          dos
	}{
		{&rest, &rest, hidden}, {&rest, &later, dos{}}, {&rest, &rest, hidden}, {&young, &young, dos{}},
		{&none, &none, dos{}}, {&young, &rest, dos{}},
	} {
		keep(c.kept)
		if got, err := f.dosNow(c.current); err != nil || got != c.want {
			t.Errorf("F-130: case %d: attributes %+v, want %+v", i, got, c.want)
		}
	}
}

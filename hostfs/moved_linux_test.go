package hostfs

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// attributeOf returns the value of a file's attribute.
func (w *world) attributeOf(name string) []byte {
	w.Helper()
	b := make([]byte, 4096)
	n, err := unix.Getxattr(w.path(name), attributeHere(w), b)
	w.must(err)
	return b[:n]
}

// A rename changes no descriptor, whatever the new directory's children inherit (F-60). It goes into no file, and
// replaces no read-only one (F-58); open files below another directory whose name begins alike are not in its
// way (F-57, F-118).
func TestWhatARenameLooksAt(t *testing.T) {
	w := newWorld(t)
	const all, closed = "O:BAG:SYD:P(A;OICI;FA;;;WD)", "O:" + bob + "G:SYD:AI(A;OICI;FR;;;" + alice + ")(A;;SD;;;WD)"
	w.describe("", all)
	w.dir("from", all)
	w.dir("to", closed+"(A;;0x100006;;;WD)")
	w.dir(`from\d`, all)
	w.file(`from\f`, "", all)
	th := w.as(bob)
	for _, name := range []string{"f", "d"} {
		before := w.attributeOf(`from\` + name)
		h := w.open(th, `from\`+name, winnt.DELETE, ntstatus.Success)
		w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: `\??\share\to\` + name}),
			ntstatus.Success)
		w.want(th.NtClose(h), ntstatus.Success)
		if after := w.attributeOf(`to\` + name); !bytes.Equal(before, after) {
			t.Errorf("F-60: %s has another descriptor in its new directory", name)
		}
	}
	w.file("f", "", all)
	w.file("kept", "kept", all)
	readOnly := w.open(th, "kept", winnt.FILE_WRITE_ATTRIBUTES, ntstatus.Success)
	w.want(th.NtSetInformationFile(readOnly, nt.FileBasicInformation,
		nt.FileBasic{FileAttributes: fileaccess.AttributeReadOnly}), ntstatus.Success)
	w.want(th.NtClose(readOnly), ntstatus.Success)
	h := w.open(th, "f", winnt.DELETE, ntstatus.Success)
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: `\??\share\kept\f`}),
		ntstatus.ObjectPathNotFound)
	w.want(th.NtSetInformationFile(h, nt.FileRenameInformation, nt.FileRename{FileName: "kept", ReplaceIfExists: true}),
		ntstatus.AccessDenied)
	if b, err := os.ReadFile(w.path("kept")); string(b) != "kept" {
		t.Errorf("F-58: the read-only file holds %q, %v", b, err)
	}
	w.dir("a", all)
	w.dir("ab", all)
	w.file(`a\f`, "", all)
	w.file(`ab\f`, "", all)
	d := w.open(th, "a", winnt.DELETE, ntstatus.Success)
	move := nt.FileRename{FileName: "b"}
	beside := w.open(th, `ab\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	below := w.open(th, `a\f`, winnt.FILE_READ_DATA, ntstatus.Success)
	w.want(th.NtSetInformationFile(d, nt.FileRenameInformation, move), ntstatus.AccessDenied)
	w.want(th.NtClose(below), ntstatus.Success)
	w.want(th.NtSetInformationFile(d, nt.FileRenameInformation, move), ntstatus.Success)
	w.want(th.NtClose(beside), ntstatus.Success)
}

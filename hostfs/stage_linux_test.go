package hostfs

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Staged writes change nothing until they replace the contents. A handle without the rights to replace the contents
// stages nothing. Closing the handle discards staged writes (F-214).
func TestStagedWritesReplaceContents(t *testing.T) {
	w := newWorld(t)
	w.dir("fixed", "O:BAG:SYD:P(A;;0x1200a9;;;WD)") // nobody may add a file
	w.file(`fixed\f`, "the old contents", "O:BAG:SYD:P(A;;FA;;;WD)")
	th := w.as(bob)
	h := w.open(th, `fixed\f`, winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA, ntstatus.Success)
	w.want(w.sys.Refill(th, h, h), ntstatus.InvalidParameter) // nothing was staged
	w.want(w.sys.Refill(th, h, 0), ntstatus.Success)
	w.want(w.sys.Refill(th, h, 0), ntstatus.InvalidParameter) // a second temporary file
	for at, text := range map[int64]string{0: "new ", 4: "text"} {
		n, st := th.NtWriteFileAt(h, []byte(text), at)
		check.RequireThat(t, st == ntstatus.Success && n == 4, "F-214: write at %d: %d, %v", at, n, st)
	}
	w.holds(map[string]string{`fixed\f`: "the old contents"})
	w.want(w.sys.Refill(th, h, h), ntstatus.Success)
	w.holds(map[string]string{`fixed\f`: "new text"})
	if _, st := th.NtWriteFileAt(h, []byte("lost"), 0); st != ntstatus.Success {
		t.Error(st)
	}
	w.want(th.NtClose(h), ntstatus.Success)
	w.holds(map[string]string{`fixed\f`: "new text"})
	for _, right := range []winnt.AccessMask{winnt.FILE_WRITE_DATA, winnt.FILE_APPEND_DATA, winnt.FILE_READ_DATA} {
		h := w.open(th, `fixed\f`, right, ntstatus.Success)
		w.want(w.sys.Refill(th, h, 0), ntstatus.AccessDenied)
		w.want(w.sys.Refill(th, h, h), ntstatus.AccessDenied)
		w.want(th.NtClose(h), ntstatus.Success)
	}
	w.nothingPrivate("", "fixed")
}

// Without copy_file_range(2) and fallocate(2) the staged writes still replace the contents (F-214).
func TestStagedWritesAreCopiedByHand(t *testing.T) {
	for _, missing := range []error{unix.ENOSYS, unix.EOPNOTSUPP} {
		w := newWorld(t, func(c *Config) {
			c.Faults = func(call, _ string) error {
				if call == "copy" || call == "allocate" {
					return missing
				}
				return nil
			}
		})
		for _, old := range []string{"old", "longer than the new one"} {
			w.file("f", old, wide)
			f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
			w.want(f.Stage(), ntstatus.Success)
			w.want(third(f.WriteAt([]byte("new text"), 0)), ntstatus.Success)
			w.want(f.ReplaceByStaged(), ntstatus.Success)
			w.holds(map[string]string{"f": "new text"})
		}
	}
}

// Directories and links stage nothing, and neither do files on a file system without O_TMPFILE (F-214).
func TestStageFailsForDirectoriesAndLinks(t *testing.T) {
	refuse := false
	w := newWorld(t, func(c *Config) {
		c.Faults = func(call, _ string) error {
			if refuse && call == "create" {
				return unix.EOPNOTSUPP
			}
			return nil
		}
	})
	w.file("f", "f", wide)
	w.want(w.opened("", fileaccess.Request{}, winnt.FILE_WRITE_DATA).Stage(), ntstatus.InvalidParameter)
	refuse = true
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA)
	w.want(f.Stage(), ntstatus.NotSupported)
	w.want(f.ReplaceByStaged(), ntstatus.InvalidParameter)
	w.holds(map[string]string{"f": "f"})
}

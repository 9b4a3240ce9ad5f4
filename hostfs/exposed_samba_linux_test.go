package hostfs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A file server can serve a path that is closed to users, as docs/refmond.md describes. The group of "force group"
// may search the path, and new files are accessible to the server's processes. The server's user reaches the files
// only through the server (F-126).
func TestSambaServesClosedPath(t *testing.T) {
	const group, gid = "games", 60
	s := smbd.Start(t, smbd.Share{Name: "closed", Config: "\tforce group = " + group + "\n" +
		"\tacl_xattr:ignore system acls = yes\n"})
	b := &sambaTree{&world{TB: t, root: filepath.Join(s.Dir, "closed"), sys: kernel.Boot(kernel.Config{})}, s, "closed"}
	b.must(errors.Join(os.Chown(b.root, 0, gid), os.Chmod(b.root, 0o770)))
	b.describe("", "O:BAG:SYD:P(A;;0x1301bf;;;WD)")
	tree := check.Must(Open(Config{Path: b.root, IgnorePosix: true, FileMode: 0o666, DirectoryMode: 0o777}))
	b.must(b.sys.AddTree("share", tree))
	defer func() { b.must(errors.Join(b.sys.Close(), tree.Close())) }()
	if open, err := tree.Exposure(gid); err != nil || len(open) > 0 {
		t.Errorf("Exposure(%d) = %q, %v, want nobody, no error", gid, open, err)
	}
	if open, err := tree.Exposure(); err != nil || len(open) != 1 || !strings.HasSuffix(open[0], ": gid 60") {
		t.Errorf(`Exposure without the group = %q, %v, want one entry, ending with ": gid 60"`, open, err)
	}
	th := b.thread(b.administrator())
	b.want(th.NtClose(b.create(th, "ours", call{desired: winnt.FILE_WRITE_DATA, disposition: fileaccess.FileCreate},
		ntstatus.Success)), ntstatus.Success)
	b.describe("ours", "O:BAG:SYD:P(A;;0x1201bf;;;WD)")
	if out, err := b.client(smbd.Guest, "ls; get ours /dev/null; put /etc/hostname theirs"); err != nil {
		t.Errorf("smbclient: %v, want success\n%s", err, out)
	}
	cat := exec.Command("cat", b.path("ours"))
	cat.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1}}
	if out, err := cat.CombinedOutput(); err == nil || !strings.Contains(string(out), "Permission denied") {
		t.Errorf("cat as another user: %v, want \"Permission denied\"\n%s", err, out)
	}
	if _, err := os.Stat(b.path("theirs")); err != nil {
		t.Errorf("the file that the server created: %v, want it to exist", err)
	}
}

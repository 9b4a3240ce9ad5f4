package restore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// onHost creates files in a folder whose user attributes can be set.
func onHost(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"d", "other", "other/d"} {
		check.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	for _, name := range []string{"d/f", "other/f", "other/d/f"} {
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	if err := unix.Setxattr(dir, "user.refmon", nil, 0); err != nil {
		t.Skip("no user attributes: ", err)
	}
	return dir
}

// TestOfflineImportFollowsNoLink writes the attributes of files, reads them back, and follows no link, neither in the
// path nor at its end (B-21, B-23).
func TestOfflineImportFollowsNoLink(t *testing.T) {
	dir := onHost(t)
	for name, to := range map[string]string{"link": "d", "d/link": "f"} {
		check.NoError(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	files := check.Must(Offline(dir, ntacl.UserName))
	defer files.Close() // only read
	text := `{"path":".","sd":"` + two + `","type":"directory"}
{"path":"d/f","sd":"` + two + `","type":"file"}
{"path":"link/f","sd":"` + two + `"}
{"path":"d/link","sd":"` + two + `"}
{"path":"none","sd":"` + two + `"}
`
	n, out, err := run(t, Config{Files: files}, text)
	checkCounts(t, "offline", n, Counts{Lines: 5, Written: 2, Failed: 3})
	for _, line := range []string{"link/f " + beneath.ErrLink.Error(), "d/link neither a file nor", "none no such file"} {
		check.That(t, strings.Contains(out, line), "B-21: output %q, error %v, want text containing %q", out, err, line)
	}
	if _, err := unix.Getxattr(filepath.Join(dir, "d/f"), ntacl.UserName, nil); err != nil {
		t.Error(err)
	}
	n, _, _ = run(t, Config{Files: files}, text)
	checkCounts(t, "again", n, Counts{Lines: 5, Same: 2, Failed: 3})
}

// TestOfflineRestoreNeverFollowsSwappedLink checks that while another program swaps a directory and a link to an
// outside folder, no file of that folder is written (B-21).
func TestOfflineRestoreNeverFollowsSwappedLink(t *testing.T) {
	dir := onHost(t)
	root := filepath.Join(dir, "other")
	check.NoError(t, os.Symlink("../d", filepath.Join(root, "link")))
	files := check.Must(Offline(root, ntacl.UserName))
	defer files.Close() // only read
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, "d"), unix.AT_FDCWD, filepath.Join(root, "link"),
				unix.RENAME_EXCHANGE)
		}
	}()
	text := strings.Repeat(`{"path":"d/f","sd":"`+two+`"}`+"\n"+`{"path":"link/f","sd":"`+one+`"}`+"\n", 2000)
	n, err := Run(context.Background(), Config{Files: files}, strings.NewReader(withEnd(text)))
	stop.Store(true)
	<-done
	check.That(t, err == nil && n.Written != 0 && n.Failed != 0,
		"%+v, %v, want at least one written and one failed file, no error", n, err)
	if _, err := unix.Getxattr(filepath.Join(dir, "d/f"), ntacl.UserName, nil); !errors.Is(err, unix.ENODATA) {
		t.Errorf("B-21: a file outside has a descriptor: %v, want %v", err, unix.ENODATA)
	}
}

// TestMountedRejectsOtherFileSystem checks that Mounted rejects a directory of another file system, even if it has the
// attribute of a mount.
func TestMountedRejectsOtherFileSystem(t *testing.T) {
	dir := onHost(t)
	check.NoError(t, unix.Setxattr(dir, ntacl.WholeName, []byte("x"), 0))
	if _, err := Mounted(dir); !errors.Is(err, errNoMount) || IsMounted(filepath.Join(dir, "none")) {
		t.Error(err)
	}
}

// TestFilesAreClosed checks that neither an opened file nor one of another kind leaves a descriptor of the host open,
// nor a file that is read again after a write.
func TestFilesAreClosed(t *testing.T) {
	dir := onHost(t)
	check.NoError(t, unix.Mkfifo(filepath.Join(dir, "d/pipe"), 0o600))
	root := check.Must(beneath.Open(dir))
	m := &mounted{root, root.Dirs()}
	defer m.Close() // its files are closed
	offline := check.Must(Offline(dir, ntacl.UserName))
	defer offline.Close() // its files are closed
	before := 0
	for round := range 3 { // the first one fills the cache of directories
		f := check.Must(m.Open("d/f"))
		check.That(t, !f.Directory(), "d/f is a directory")
		check.NoError(t, f.Write(sddl.MustParse(two))) // replaces that of the round before
		check.That(t, check.Must(f.Descriptor()).Equal(sddl.MustParse(two)), "a mount does not have the written descriptor")
		check.NoError(t, f.Close())
		_, err := m.Open("d/pipe")
		check.That(t, errors.Is(err, errKind), "d/pipe: %v, want %v", err, errKind)
		f = check.Must(offline.Open("d/f"))
		check.NoError(t, f.Write(sddl.MustParse(two)))
		check.That(t, check.Must(f.Descriptor()).Equal(sddl.MustParse(two)), "not the written descriptor")
		check.NoError(t, f.Close())
		if round == 0 {
			before = check.OpenDescriptors(t)
		}
	}
	check.Equal(t, check.OpenDescriptors(t), before, "descriptors of the host")
}

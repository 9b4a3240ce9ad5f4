//go:build cgo && linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// A C program can read a file of the daemon's tree through a file descriptor, and do nothing else with it. The
// embedded kernel has no trees (W-60, F-151).
func TestTreeFileDescriptorOnlyReads(t *testing.T) {
	program := compile(t, library(t), "tests/descriptor/main.c", "-lrefmon")
	const none = "open: 0xc000003a\ndescriptor: 0xc00000bb\n"
	check.Equal(t, run(t, "", program), none, "output with the embedded kernel")
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts and sets descriptors")
	}
	socket := treeSocket(t, hostfs.Config{HandOut: hostfs.HandOutReads})
	const want = "descriptor: 0\nclose on exec: 1\nread: 9 the plan\nwrite: 1\nchmod: 1\nclosed: 0xc0000008 -1\n"
	check.Equal(t, run(t, "REFMON_SOCKET="+socket, program), want, "output with the daemon")
}

// treeSocket starts a daemon for administrators and returns its socket. Its tree \??\share has the file plan.
func treeSocket(t *testing.T, c hostfs.Config) string {
	t.Helper()
	dir := t.TempDir()
	c.Path = dir
	value := check.Must((&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
		Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")}).Append(nil))
	check.NoError(t, os.WriteFile(filepath.Join(dir, "plan"), []byte("the plan\n"), 0o600))
	for _, name := range []string{"", "plan"} {
		if err := unix.Setxattr(filepath.Join(dir, name), ntacl.Name, value, 0); err != nil {
			t.Skip(err)
		}
	}
	tree := check.Must(hostfs.Open(c))
	t.Cleanup(func() { // after the daemon has ended
		check.NoError(t, tree.Close())
	})
	if _, err := tree.HandsOut(); err != nil {
		t.Skip(err)
	}
	return daemonSocket(t, func(sys *kernel.System) (*token.Token, error) {
		if err := sys.AddTree("share", tree); err != nil {
			return nil, err
		}
		return logOnAdministrator(sys)
	})
}

// A C program creates, changes, lists and deletes files in the daemon's tree, with both calling conventions and both
// sets of headers. The embedded kernel has no trees (F-110, F-120, F-122, F-172, F-175).
func TestCProgramUsesTreeFiles(t *testing.T) {
	folder := library(t)
	programs := map[string]string{"ours": compile(t, folder, "tests/trees/main.c", "-lrefmon")}
	if runtime.GOARCH == "amd64" {
		object := filepath.Join(t.TempDir(), "ms.o")
		for name, args := range map[string][]string{
			"ms":     {"-DREFMON_MS_ABI", "-Iinclude"},
			"theirs": {"-fshort-wchar", "-Itests/foreign", "-I/usr/include/wine/wine/windows"},
		} {
			if _, err := os.Stat("/usr/include/wine/wine/windows/winternl.h"); err != nil && name == "theirs" {
				t.Log("the headers of libwine-dev are not installed")
				continue
			}
			args = append(args, "-c", "-std=gnu11", "-o", object, "tests/trees/main.c")
			if out, err := exec.Command(compiler(), args...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			programs[name] = compile(t, folder, object, "-lrefmon-ms", "-lrefmon")
		}
	}
	const none = "create: 0xc00000bb\ndelete: 0xc00000bb\npointer: 0xc00000bb\nset: 0xc0000008\nlist: 0xc0000004\n"
	const want = `create: 0 2
write: 0
end: 0
block: 0 0
basic: 0
short: 0xc0000004
class: 0xc0000003
pointer: 0xc0000005
block: 0xc0000005
position: 0
read: 0
text: 1 2
position: 0
at: 3
size: 0
full size: 0
sector 512, 1 1 1
1 1 1 0
1 1 2 0
1 0 - 0
0 0 - 38
0 0 - 38
basic: 0
written: 1, attributes 0x2
WriteFile: 1 1
1 1 x 0
moved 1 at 1: 0
WriteFileEx: 1 0xc0
moved 1 at 1: 0
ReadFileEx: 1 0xc0
y, at the end: 0 38
standard: 0
size 3, links 1, 0 0
rename: 0
link: 0
too long: 0xc000000d
odd: 0xc000000d
list 4096: .(2,0x10,0) ..(4,0x10,0) l?nked(12,0x22,3) renamed(14,0x22,3) 0x80000006
list 66: r(14,0x22,3) 0x80000006
list 4096: l?nked renamed 0x80000006
list 64: 0xc0000004
list 4096: 0xc0000003
event: 0xc00000bb
routine: 0xc00000bb
short: 0xc0000004
delete: 0
delete: 0xc0000034
overwrite: 0 3
remove: 0
pending: 1
directory: 1
list 4096: . .. 0x80000006
`
	for name, program := range programs {
		check.Equal(t, run(t, "", program), none, "%s, embedded kernel", name)
		if os.Getuid() != 0 {
			t.Skip("only root sets descriptors")
		}
		if got := run(t, "REFMON_SOCKET="+treeSocket(t, hostfs.Config{}), program); got != want {
			t.Errorf("%s, daemon: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

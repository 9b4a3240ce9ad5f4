//go:build cgo && linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// TestFileDescriptor: a program in C reads a file of a tree of the daemon by a descriptor,
// and can do no more with it; the embedded kernel has none (W-60, F-151).
func TestFileDescriptor(t *testing.T) {
	program := compile(t, library(t), "tests/descriptor/main.c", "-lrefmon")
	const none = "open: 0xc000003a\ndescriptor: 0xc00000bb\n"
	if got := run(t, "", program); got != none {
		t.Errorf("embedded: %q, want %q", got, none)
	}
	if os.Getuid() != 0 {
		t.Skip("only root copies mounts and sets descriptors")
	}
	dir := t.TempDir()
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
		Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)")}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "plan"), []byte("the plan\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "plan"} {
		if err := unix.Setxattr(filepath.Join(dir, name), ntacl.Name, value, 0); err != nil {
			t.Skip(err)
		}
	}
	tree, err := hostfs.Open(hostfs.Config{Path: dir, HandOut: hostfs.HandOutReads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the daemon
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := tree.HandsOut(); err != nil {
		t.Skip(err)
	}
	socket := daemonSocket(t, func(sys *kernel.System) (*token.Token, error) {
		if err := sys.AddTree("share", tree); err != nil {
			return nil, err
		}
		return logOnAdministrator(sys)
	})
	const want = "descriptor: 0\nread: 9 the plan\nwrite: 1\nchmod: 1\nclosed: 0xc0000008 -1\n"
	if got := run(t, "REFMON_SOCKET="+socket, program); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

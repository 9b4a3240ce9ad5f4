//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/bulk"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestSambaShare sets descriptors through SMB on a real smbd and compares what
// we read from the file system with what smbcacls reads through SMB, for the
// versions of the attribute that smbd writes. It needs root, Debian's packages
// samba, smbclient and samba-vfs-modules, and port 445 of the loopback.
func TestSambaShare(t *testing.T) {
	if os.Getenv("REFMON_SAMBA") == "" {
		t.Skip("starts a file server on port 445 as root: set REFMON_SAMBA=1")
	}
	for _, tool := range []string{"smbd", "smbcacls", "smbpasswd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: install samba, smbclient and samba-vfs-modules", tool)
		}
	}
	dir, err := os.MkdirTemp("", "refmon-samba-") // sockets need short paths
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	share := startServer(t, dir)
	for name, entries := range map[string]string{
		"v4/plain":  "ACL:S-1-1-0:ALLOWED/0x0/READ,ACL:S-1-5-32-544:ALLOWED/0x0/FULL",
		"v4/deny":   "ACL:S-1-5-32-546:DENIED/0x0/0x00000002,ACL:S-1-5-11:ALLOWED/0x0/0x001301bf",
		"v4/folder": "ACL:S-1-5-32-545:ALLOWED/0x3/CHANGE,ACL:S-1-3-0:ALLOWED/0xb/FULL",
		"v4/sid":    "ACL:S-1-5-21-1-2-3-1107:ALLOWED/0x0/0x00120089,ACL:S-1-22-2-0:ALLOWED/0x0/0x001200a0",
		"v3/plain":  "ACL:S-1-1-0:ALLOWED/0x0/READ,ACL:S-1-5-21-1-2-3-1107:DENIED/0x0/0x00000001",
	} {
		file := filepath.Join(share, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		make := os.WriteFile(file, nil, 0o644)
		if strings.HasSuffix(name, "folder") {
			os.Remove(file)
			make = os.Mkdir(file, 0o755)
		}
		if make != nil {
			t.Fatal(make)
		}
		where := "//127.0.0.1/" + name[:2]
		smbcacls(t, dir, where, name[3:], "-S", "REVISION:1,OWNER:S-1-22-1-0,GROUP:S-1-22-2-0,"+entries)
		want := descriptorText(t, smbcacls(t, dir, where, name[3:], "--sddl"))
		item, err := bulk.Find(context.Background(), bulk.Files([]string{file}, false, "security.NTACL"), file, sid.SID{}, winnt.FileObject)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := sddl.Format(item.Descriptor, sddl.Options{}); err != nil || got != want {
			t.Errorf("%s: read %s, through SMB %s (%v)", name, got, want, err)
		} else {
			t.Log(name, got)
		}
	}
}

// startServer starts smbd with a share for each version of the attribute and
// returns the folder that holds them.
func startServer(t *testing.T, dir string) string {
	t.Helper()
	for _, d := range []string{"v3", "v4", "state"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	state := filepath.Join(dir, "state")
	conf := "[global]\nworkgroup = WG\nnetbios name = FS1\nserver role = standalone server\ninterfaces = lo\nbind interfaces only = yes\nload printers = no\ndisable spoolss = yes\n"
	for _, d := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"} {
		conf += d + " = " + state + "\n"
	}
	for _, v := range []string{"v3", "v4"} {
		conf += fmt.Sprintf("[%s]\npath = %s\nread only = no\nvfs objects = acl_xattr\n", v, filepath.Join(dir, v))
		if v == "v3" {
			conf += "acl_xattr:ignore system acls = yes\n"
		}
	}
	file := filepath.Join(dir, "smb.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	add := exec.Command("smbpasswd", "-c", file, "-s", "-a", "root")
	add.Stdin = strings.NewReader("pw\npw\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := exec.Command("smbd", "--foreground", "--no-process-group", "--configfile="+file, "--log-basename="+state)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:445"); err == nil {
			c.Close()
			return dir
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("smbd does not answer on port 445")
	return ""
}

func smbcacls(t *testing.T, dir, share, name string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command("smbcacls", append([]string{"-s", filepath.Join(dir, "smb.conf"), "-U", "root%pw", share, name}, args...)...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("smbcacls %s %v: %v\n%s%s", name, args, err, out.String(), errs.String())
	}
	return out.String()
}

// descriptorText is SDDL in our own canonical form.
func descriptorText(t *testing.T, text string) string {
	t.Helper()
	d, err := sddl.Parse(strings.TrimSpace(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	out, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

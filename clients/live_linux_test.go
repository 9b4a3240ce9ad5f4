package clients

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"

	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
)

// TestPythonClientTestsPass runs the client's own tests on a kernel and checks that no object remains (W-12).
func TestPythonClientTestsPass(t *testing.T) {
	interpreter := python(t)
	sys := kernel.Boot(kernel.Config{})
	tree := plant(t, sys)
	host := &wired.Host{System: sys}
	address, stop := wired.Listen(t, func(c net.Conn) { serve(t, host, c) })
	if out, err := exec.Command(interpreter, "python/tests/live.py", address).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	stop()
	host.Wait()
	check.NoError(t, errors.Join(sys.Close(), tree.Close()))
}

// plant adds a tree with two files. One is audited, so clients read it by calls. Without the right to copy mounts the
// tree gets no files, and its tests are skipped.
func plant(t *testing.T, sys *kernel.System) *hostfs.Tree {
	t.Helper()
	dir := t.TempDir()
	tree, err := hostfs.Open(hostfs.Config{Path: dir, HandOut: hostfs.HandOutReads})
	if err != nil {
		t.Skip("this system has no trees: ", err)
	}
	check.NoError(t, sys.AddTree("share", tree))
	if what, err := tree.HandsOut(); what != hostfs.HandOutReads {
		t.Log(err)
		return tree
	}
	for name, text := range map[string]string{"": "", "plan": "", "calls": "S:(AU;SA;FA;;;WD)"} {
		a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
			Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;SY)" + text)}
		value := check.Must(a.Append(nil))
		path := filepath.Join(dir, name)
		if name != "" {
			check.NoError(t, os.WriteFile(path, []byte("the "+name+"\n"), 0o600))
		}
		check.NoError(t, unix.Setxattr(path, ntacl.Name, value, 0))
	}
	return tree
}

// TestPythonClientSurvivesRogueServers runs the client's tests against servers that break the rules.
func TestPythonClientSurvivesRogueServers(t *testing.T) {
	if out, err := exec.Command(python(t), "python/tests/rogue.py").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// serve gives a connection a process of LocalSystem. How the connection ends is the
// client's affair: some tests break it.
func serve(t *testing.T, h *wired.Host, c net.Conn) {
	user, err := token.New(token.LocalSystem())
	if err != nil {
		t.Error(err)
		return
	}
	p, err := h.System.NewProcess("python", user)
	if err != nil {
		t.Error(err)
		return
	}
	_ = h.Serve(c, p)
}

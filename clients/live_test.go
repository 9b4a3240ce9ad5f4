package clients

import (
	"net"
	"os/exec"
	"testing"

	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
)

// TestPython runs the client's own tests on a kernel of which, at the end, nothing
// is left (W-12).
func TestPython(t *testing.T) {
	interpreter := python(t)
	sys := kernel.Boot(kernel.Config{})
	address, stop := wired.Listen(t, func(c net.Conn) { serve(t, sys, c) })
	if out, err := exec.Command(interpreter, "python/tests/live.py", address).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	stop()
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

// TestPythonRogue runs the client's tests against servers that break the rules.
func TestPythonRogue(t *testing.T) {
	if out, err := exec.Command(python(t), "python/tests/rogue.py").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// serve gives a connection a process of LocalSystem. How the connection ends is the
// client's affair: some tests break it.
func serve(t *testing.T, sys *kernel.System, c net.Conn) {
	user, err := token.New(token.LocalSystem())
	if err != nil {
		t.Error(err)
		return
	}
	p, err := sys.NewProcess("python", user)
	if err != nil {
		t.Error(err)
		return
	}
	_ = wire.Serve(c, process{p})
}

type process struct{ *kernel.Process }

func (process) Profile() nt.Profile        { return nt.Documented }
func (process) GiveBack(thread *nt.Thread) { thread.Close() }

package clients

import (
	"net"
	"os/exec"
	"testing"

	"github.com/refmon/refmon/internal/test/wired"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
)

// TestPython runs the client's own tests on a kernel of which, at the end, nothing
// is left (W-12).
func TestPython(t *testing.T) {
	interpreter := python(t)
	sys := kernel.Boot(kernel.Config{})
	host := &wired.Host{System: sys}
	address, stop := wired.Listen(t, func(c net.Conn) { serve(t, host, c) })
	if out, err := exec.Command(interpreter, "python/tests/live.py", address).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	stop()
	host.Wait()
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

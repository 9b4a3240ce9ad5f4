package addc

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestProgramOutlivesThread checks that a program outlives the goroutine that requested its start. The kernel would
// kill the program with its parent thread, which ends with a goroutine that has locked it.
func TestProgramOutlivesThread(t *testing.T) {
	cmd := exec.Command("sleep", "300")
	ended, begun := make(chan error, 1), make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		begun <- start(cmd, func(err error) { ended <- err })
	}()
	check.NoError(t, <-begun)
	select {
	case err := <-ended:
		t.Errorf("the program ended with its starter's thread: %v", err)
	case <-time.After(300 * time.Millisecond):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	unexpected := func(error) { t.Error("a program that did not start ended") }
	check.That(t, start(exec.Command("/nonexistent"), unexpected) != nil, "a missing program started, want an error")
}

package confined

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFilterBindsEveryThread checks the state of each thread of the child.
func TestFilterBindsEveryThread(t *testing.T) {
	p := newParser(t)
	p.mu.Lock()
	tasks := fmt.Sprintf("/proc/%d/task/*/status", p.child.process.Pid)
	p.mu.Unlock()
	threads := check.Must(filepath.Glob(tasks))
	check.That(t, len(threads) > 1, "the child has %d threads, want several", len(threads))
	for _, name := range threads {
		status := string(check.Must(os.ReadFile(name)))
		check.That(t, strings.Contains(status, "Seccomp:\t2"), "K-89: %s has no filter: %s", name, status)
	}
}

// TestChildThatCannotBeKilledDelaysNoRequest closes a parser on a thread of root without CAP_KILL, which may not kill a
// child of nobody. The child ends nevertheless, at the end of its input.
func TestChildThatCannotBeKilledDelaysNoRequest(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the child has the user of this process, who may kill it")
	}
	p := newParser(t)
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	ended := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked
		head, data := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, [2]unix.CapUserData{}
		err := unix.Capget(&head, &data[0])
		data[0].Effective &^= 1 << unix.CAP_KILL
		if err = errors.Join(err, unix.Capset(&head, &data[0])); err != nil {
			ended <- err.Error()
			return
		}
		ended <- c.end()
	}()
	select {
	case got := <-ended:
		check.Equal(t, got, unix.EPERM.Error(), "K-89: the end of a child that cannot be killed")
		_, _ = c.process.Wait() // until the child has ended
	case <-time.After(patience):
		t.Error("K-89: a child that cannot be killed keeps its parser from every other request")
	}
}

// oddThread is a variable in the environment of a child. In such a child one thread has a filter of its own.
const oddThread = "REFMON_ODD_THREAD"

// TestThreadWithOwnFilterFailsConfinement checks that a child ends before its first request if the kernel cannot give
// one of its threads the filter. seccomp then returns that thread's number and no errno.
func TestThreadWithOwnFilterFailsConfinement(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args, cmd.Env = []string{childName}, []string{oddThread + "=1"}
	out, _ := cmd.CombinedOutput()
	check.That(t, cmd.ProcessState.ExitCode() == 1 && strings.HasPrefix(string(out), "filter of system calls: thread "),
		"K-89: the child ended with %v: %q", cmd.ProcessState, out)
}

var _ = startOddThread()

// startOddThread runs before the package's init, which turns the process into the child.
func startOddThread() bool {
	if os.Getenv(oddThread) == "" {
		return false
	}
	filtered := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
		program := unix.SockFprog{Len: 1, Filter: &allow}
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
		if err == nil && errno != 0 {
			err = errno
		}
		filtered <- err
		select {}
	}()
	if err := <-filtered; err != nil {
		fmt.Println(err)
	}
	return true
}

package nocores

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// crash names the variable that makes this program wait for its end: "plain", or "limited" after a call of Set.
const crash = "REFMON_TEST_CRASH"

func TestMain(m *testing.M) {
	how := os.Getenv(crash)
	if how == "" {
		os.Exit(m.Run())
	}
	if how == "limited" {
		Set(slog.Default())
	}
	var got unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &got)
	fmt.Println(got)
	time.Sleep(time.Minute)
}

// TestCrashLeavesNoCore crashes a process whose core the host's kernel writes to its working directory, and one that
// has called Set before (K-83).
func TestCrashLeavesNoCore(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.TrimSpace(string(pattern)) != "core" {
		t.Skipf("the host does not write cores to the working directory: %q, %v", pattern, err)
	}
	var most unix.Rlimit
	check.NoError(t, unix.Getrlimit(unix.RLIMIT_CORE, &most))
	if most.Max < 1<<30 {
		t.Skipf("this process may write cores of %d bytes only", most.Max)
	}
	for how, want := range map[string]int{"plain": 1, "limited": 0} {
		dir := t.TempDir()
		cmd := exec.Command("/bin/sh", "-c", `ulimit -c unlimited; exec "$0"`, os.Args[0])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), crash+"="+how, "GOTRACEBACK=crash")
		out := check.Must(cmd.StdoutPipe())
		check.NoError(t, cmd.Start())
		limits, err := bufio.NewReader(out).ReadString('\n')
		check.NoError(t, err)
		if how == "limited" && limits != "{1 1}\n" { // 0 would start a core handler
			t.Errorf("K-83: limits %q, want {1 1}", limits)
		}
		check.NoError(t, cmd.Process.Signal(syscall.SIGABRT))
		_ = cmd.Wait() // reports the signal
		cores := check.Must(filepath.Glob(filepath.Join(dir, "core*")))
		check.That(t, len(cores) == want, "K-83: %s: %q, want %d cores", how, cores, want)
	}
}

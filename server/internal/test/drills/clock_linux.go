package drills

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// step is a file of package time: the wall clock of a program with the variable is off by the seconds in /clock.
// libfaketime does nothing to a Go program, and another clock for the whole host would be one for everybody.
const step = `package time

import "syscall"

var stepped = func() bool { _, ok := syscall.Getenv("REFMON_CLOCK"); return ok }()

func stepNow() (sec int64) {
	if !stepped {
		return 0
	}
	fd, err := syscall.Open("/clock", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	var b [20]byte
	n, _ := syscall.Read(fd, b[:])
	_ = syscall.Close(fd)
	sign := int64(1)
	for _, c := range b[:max(n, 0)] {
		if c == '-' {
			sign = -1
		} else if '0' <= c && c <= '9' {
			sec = 10*sec + int64(c-'0')
		}
	}
	return sign * sec
}
`

// buildStepped replaces the daemons of the machine by ones whose wall clock the file /clock moves, as settimeofday
// moves that of a host: the monotonic clock goes on.
func (m *machine) buildStepped() {
	m.Helper()
	source := filepath.Join(runtime.GOROOT(), "src/time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	m.must(err)
	const now = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n"
	if bytes.Count(text, []byte(now)) != 1 {
		m.Fatal("time.Now of this Go release reads another clock: change the drill")
	}
	dir := m.TempDir()
	m.must(os.WriteFile(filepath.Join(dir, "time.go"), bytes.Replace(text, []byte(now),
		[]byte(strings.Replace(now, "\n", "\n\tsec += stepNow()\n", 1)), 1), 0o600))
	m.must(os.WriteFile(filepath.Join(dir, "step.go"), []byte(step), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"): filepath.Join(dir, "time.go"),
		filepath.Join(source, "step.go"): filepath.Join(dir, "step.go")}})
	m.must(err)
	m.must(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	for _, name := range []string{"refmond", "refmon-gateway", "refmon-index"} {
		cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", m.at("/opt/"+name),
			"./cmd/"+name)
		cmd.Dir = "../../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			m.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	m.env = append(m.env, "REFMON_CLOCK=1")
	m.clock(0)
}

// clock sets how many seconds the machine's wall clock is off. The daemons go on.
func (m *machine) clock(seconds int) {
	m.Helper()
	m.must(os.WriteFile(m.at("/clock"), fmt.Appendf(nil, "%-12d", seconds), 0o644))
}

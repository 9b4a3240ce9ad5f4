package drills

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// step is a file that the drill adds to package time. In a program with the variable REFMON_CLOCK, it moves the wall
// clock by the number of seconds in /clock. The program maps that file, because the scheduler calls time.Now where it
// cannot make a system call. libfaketime has no effect on a Go program, and a change of the host's clock would affect
// every program.
const step = `package time

import (
	"syscall"
	"unsafe"
)

var clock = func() *int64 {
	if _, ok := syscall.Getenv("REFMON_CLOCK"); !ok {
		return new(int64)
	}
	fd, err := syscall.Open("/clock", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("/clock: " + err.Error())
	}
	b, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("/clock: " + err.Error())
	}
	_ = syscall.Close(fd)
	return (*int64)(unsafe.Pointer(&b[0]))
}()

func stepNow() int64 {
	if clock == nil { // before the variables of this package are set
		return 0
	}
	return *clock
}
`

// buildStepped replaces the daemons of the machine by ones whose wall clock the file /clock moves. As after
// settimeofday, the monotonic clock does not change. Start the daemons afterwards.
func (m *machine) buildStepped() {
	m.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	m.must(err)
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src/time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	m.must(err)
	const now = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n"
	if bytes.Count(text, []byte(now)) != 1 {
		m.Fatal("time.Now of this Go release reads another clock: change the drill")
	}
	m.buildOverlaid(map[string]string{filepath.Join(source, "step.go"): step,
		filepath.Join(source, "time.go"): strings.Replace(string(text), now,
			strings.Replace(now, "\n", "\n\tsec += stepNow()\n", 1), 1)})
	m.env = append(m.env, "REFMON_CLOCK=1")
	m.clock(0)
}

// clock sets by how many seconds the machine's wall clock is off. Running daemons notice it at once.
func (m *machine) clock(seconds int) {
	m.Helper()
	f, err := os.OpenFile(m.at("/clock"), os.O_CREATE|os.O_WRONLY, 0o644)
	m.must(err)
	_, err = f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(seconds)), 0)
	m.must(errors.Join(err, f.Close()))
}

package terminal

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Open returns a terminal's two ends: what a person types into, and what a program
// reads. It does not become the test's own terminal.
func Open(t testing.TB) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this host gives no terminal: ", err)
	}
	t.Cleanup(func() { _ = person.Close() }) // the program's end may have closed it
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err := errors.Join(err, unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)); err != nil {
		t.Skip("this host gives no terminal: ", err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this host gives no terminal: ", err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

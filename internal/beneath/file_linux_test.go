package beneath

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A nil value removes an attribute. Removing it again is no error.
func TestNilRemovesAttribute(t *testing.T) {
	r := check.Must(Open(makeFiles(t, "f")))
	defer r.Close()
	d := r.Dirs()
	defer d.Close()
	f := check.Must(d.Hold("f"))
	defer f.Close()
	if err := f.SetAttribute("user.x", []byte("value")); err != nil {
		t.Skip(err)
	}
	long := strings.Repeat("x", 2000) // longer than the first attempt to read it
	if f.SetAttribute("user.x", []byte(long)) == nil {
		check.Equal(t, string(check.Must(f.Attribute("user.x"))), long, "a long attribute")
	}
	for range 2 {
		check.NoError(t, f.SetAttribute("user.x", nil))
		check.That(t, check.Must(f.Attribute("user.x")) == nil, "the attribute is still there, want none")
	}
	without := check.Must(Open("/proc/sys/kernel")) // a file system without attributes
	defer without.Close()
	dirs := without.Dirs()
	defer dirs.Close()
	file := check.Must(dirs.Hold("ostype"))
	defer file.Close()
	check.That(t, check.Must(file.Attribute("user.x")) == nil, "a file system without attributes has one")
	err := fmt.Sprint(file.SetAttribute("user.x", []byte("value")))
	check.That(t, strings.HasPrefix(err, "write user.x ostype: "), "%s, want an error with the path", err)
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// Objects from a pipe can be read once only, so looking at their form must not take bytes from the reader: diff of two
// pipes finds the differences of their contents.
func TestDiffReadsPipes(t *testing.T) {
	dir := t.TempDir()
	people := filepath.Join(dir, "people.yaml")
	check.NoError(t, os.WriteFile(people, []byte("users:\n- {name: bob, sid: S-1-5-21-1-2-3-1108}\n"), 0o600))
	fifo := func(name, sddl string) string {
		path := filepath.Join(dir, name)
		check.NoError(t, unix.Mkfifo(path, 0o600))
		go func() {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return
			}
			_, _ = f.WriteString(`{"path":"/a","sd":"` + sddl + `"}` + "\n")
			_ = f.Close()
		}()
		return path
	}
	var out, complaint bytes.Buffer
	code := run([]string{"diff", fifo("before", "O:BAG:BAD:(A;;FA;;;WD)"), fifo("after", "O:BAG:BAD:(A;;FR;;;BA)"),
		"-d", people}, &streams{in: strings.NewReader(""), out: &out, err: &complaint})
	if code != exitDenied || !strings.Contains(out.String(), "bob") {
		t.Errorf("diff of two pipes: exit code %d, %q, %q; want %d and that bob lost rights", code, &out, &complaint,
			exitDenied)
	}
}

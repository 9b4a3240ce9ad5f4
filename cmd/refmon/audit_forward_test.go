package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A forwarder stores its position in the given file and continues there (U-77).
func TestForwarderStoresItsPosition(t *testing.T) {
	dir := newTrail(t, 0)
	to, cursor := filepath.Join(t.TempDir(), "sink"), filepath.Join(t.TempDir(), "cursor")
	lines := func() int {
		b := check.Must(os.ReadFile(to))
		return bytes.Count(b, []byte("\n"))
	}
	for i, c := range []struct {
		args []string
		want int
	}{{nil, 12}, {nil, 12}, {[]string{"--cursor", cursor}, 24}, {[]string{"--cursor", cursor}, 24}} {
		code, out, errs := runLine(append([]string{"audit", "forward", dir, "--no-follow", "--to", to}, c.args...)...)
		if code != 0 || out+errs != "" || lines() != c.want {
			t.Errorf("%d: exit code %d, %d lines, want %d\n%s%s", i, code, lines(), c.want, out, errs)
		}
	}
	for _, name := range []string{cursor, filepath.Join(dir, "cursor")} {
		if b, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(b), "13 ") {
			t.Errorf("position in %s = %q, %v, want 13", name, b, err)
		}
	}
	// A cursor counts the records that one sink has received. Another sink has received none of them.
	code, _, errs := runLine("audit", "forward", dir, "--no-follow", "--to", to+"2", "--cursor", cursor)
	check.That(t, code == 2 && strings.Contains(errs, cursor+" belongs to the sink "+to+":"),
		"the cursor of another sink: exit code %d, %s, want 2 and the sink", code, errs)
	if code, _, errs := runLine("audit", "forward", dir, "--no-follow"); code != 2 || errs == "" {
		t.Errorf("without a sink: exit code %d, %s, want 2, a non-empty string", code, errs)
	}
	if code, _, errs := runLine("audit", "forward", dir, "--no-follow", "--to", "unix:"+cursor, "--cursor",
		cursor+"2"); code != 2 || errs == "" {
		t.Errorf("a sink that is not a socket: exit code %d, %s, want 2, a non-empty string", code, errs)
	}
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDoctor: a daemon that is well is found so, and each thing that is wrong is named
// with what to do.
func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "refmond.yaml")
	text := fmt.Sprintf("state: %s\nsocket: %s\nadminSocket: %s\nlog: {level: error}\n", filepath.Join(dir, "state"),
		filepath.Join(dir, "s"), filepath.Join(dir, "a"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	doctor := func() (string, int) {
		var out, errs bytes.Buffer
		code := run([]string{"doctor", "--config", file}, &streams{out: &out, err: &errs})
		return out.String(), code
	}
	if found, code := doctor(); code != exitMalformed || !strings.Contains(found, "WRONG socket       ") ||
		!strings.Contains(found, "start refmond") {
		t.Errorf("before there is a daemon: %d\n%s", code, found)
	}
	cfg, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(cfg, &streams{out: io.Discard, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if found, code := doctor(); code != exitSuccess || strings.Contains(found, "WRONG") ||
		!strings.Contains(found, "ok    state") || !strings.Contains(found, "ok    adminSocket") {
		t.Errorf("a daemon that is well: %d\n%s", code, found)
	}
	if err := os.Chmod(cfg.State, 0o777); err != nil {
		t.Fatal(err)
	}
	if found, code := doctor(); code != exitMalformed || !strings.Contains(found, "chmod go-w") {
		t.Errorf("a state folder that others can write to: %d\n%s", code, found)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	k := &checkUp{std: &streams{out: &out}}
	k.clock(time.Unix(0, 0))
	if !k.fail || !strings.HasPrefix(out.String(), "WRONG clock") {
		t.Errorf("a clock of 1970: %s", out.String())
	}
}

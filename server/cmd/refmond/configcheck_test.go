package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigCheckReadsTrees checks that config check names some files of each tree whose descriptors a chmod
// invalidated, with cause and repair. A missing tree is not an error (F-204).
func TestConfigCheckReadsTrees(t *testing.T) {
	w := newTreeWorld(t)
	refmon := w.refmon()
	text := fmt.Sprintf("trees:\n  projects:\n    path: %s\n  gone:\n    path: %s\n", w.root, filepath.Join(w.dir, "gone"))
	w.must(os.WriteFile(w.config, []byte(text), 0o600))
	check := func() string {
		t.Helper()
		out, err := checkConfig(w.config)
		w.must(err)
		return out
	}
	if out := check(); strings.Contains(out, "\n") {
		t.Errorf("F-204: a sound tree: %s, want text without %q", out, "\n")
	}
	sub := filepath.Join(w.root, "sub")
	w.must(os.Mkdir(sub, 0o700))
	for i := range mostChecked + 2 {
		name := filepath.Join(sub, fmt.Sprint("stale\x1b\n", i)) // neither character may reach the terminal
		w.must(os.WriteFile(name, nil, 0o600))
		if out, err := shell(0, refmon+" acl set --offline '"+name+"' 'O:BAG:SYD:P(A;;FA;;;WD)'"); err != nil {
			t.Fatal(out)
		}
		w.must(os.Chmod(name, 0o666))
	}
	out := check()
	if strings.Count(out, "its descriptor is invalid: mode, owner or POSIX ACL were changed") != mostChecked ||
		!strings.Contains(out, "\n  tree projects: "+sub+"/stale") || !strings.Contains(out, "refmon acl repair --rehash") ||
		!strings.Contains(out, "projects: 2 more of ") || strings.Contains(out, "\x1b") ||
		strings.Count(out, "\n") != mostChecked+1 {
		t.Errorf("F-204: %s", out)
	}
	written(t, w.config, strings.Replace(text, "\n  gone", "\n    ignorePosix: true\n  gone", 1))
	if out := check(); strings.Contains(out, "\n") {
		t.Errorf("F-204: of a tree that ignores modes: %s, want text without %q", out, "\n")
	}
	written(t, w.config, text)
	if out, err := shell(0, refmon+" acl repair --rehash "+w.root); err != nil {
		t.Fatal(out)
	}
	if out := check(); strings.Contains(out, "\n") {
		t.Errorf("F-204: after the repair: %s, want text without %q", out, "\n")
	}
}

// TestConfigCheckRefusesStateFile checks that config check refuses a state that is a file, because refmond serve could
// not start. A state that is missing is made at the start.
func TestConfigCheckRefusesStateFile(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "refmond.yaml")
	for state, want := range map[string]string{config: "state: " + config + " is not a directory",
		filepath.Join(dir, "gone"): ""} {
		if err := os.WriteFile(config, []byte("state: "+state+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := checkConfig(config)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("config check of state %s: %v, want %q", state, err, want)
		}
	}
}

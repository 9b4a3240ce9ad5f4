package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// TestAudit proves each record of a log, and each checkpoint as a continuation
// of the ones before; our Go and Python programs agree that all of it is true
// (U-70, U-71), and that nothing that was altered is.
func TestAudit(t *testing.T) {
	dir := t.TempDir()
	var olds [][]byte
	for range 4 {
		l, err := auditlog.Open(auditlog.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Write(audit.LogArchived("é")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		olds = append(olds, b)
	}
	public, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	key := string(public)
	for id := uint64(1); id <= 12; id++ {
		proof, err := auditlog.ProveRecord(dir, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifyAudit(key, string(proof), ""); err != nil {
			t.Errorf("record %d: %v", id, err)
		}
		if id%6 == 1 {
			python(t, true, public, proof)
		}
	}
	for i, old := range olds {
		proof, err := auditlog.ProveSince(dir, old)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifyAudit(key, string(proof), string(old)); err != nil {
			t.Errorf("since %q: %v", old, err)
		}
		if i == 1 {
			python(t, true, public, proof, old)
		}
	}
	proof, err := auditlog.ProveRecord(dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(proof); at += 3 {
		altered := bytes.Clone(proof)
		altered[at] ^= 1
		if _, err := verifyAudit(key, string(altered), ""); err == nil {
			t.Fatalf("byte %d altered: %s", at, altered)
		}
		if at == 600 {
			python(t, false, public, altered)
		}
	}
	since, err := auditlog.ProveSince(dir, olds[1])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(since); at += 3 {
		altered := bytes.Clone(since)
		altered[at] ^= 1
		if _, err := verifyAudit(key, string(altered), string(olds[1])); err == nil {
			t.Fatalf("byte %d altered: %s", at, altered)
		}
	}
	if _, err := verifyAudit(key, string(since), string(olds[0])); err == nil {
		t.Error("a proof from another checkpoint is taken")
	}
	if _, err := verifyAudit(strings.Replace(key, "a", "b", 1), string(proof), ""); err == nil {
		t.Error("another key is taken")
	}
}

// python asks tools/verify.py the same.
func python(t *testing.T, want bool, files ...[]byte) {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Log("python3 is not here: tools/verify.py is not asked")
		return
	}
	args := []string{"../../tools/verify.py", "audit"}
	for i, b := range files {
		name := filepath.Join(t.TempDir(), string(rune('a'+i)))
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if got := err == nil; got != want {
		t.Errorf("tools/verify.py: %s", out)
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit: systemd reads the unit that is shipped, where it is there to be asked.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../../systemd/refmond.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "refmond serve --config") {
		t.Error("the unit does not start refmond serve")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	program := filepath.Join(t.TempDir(), "refmond")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "refmond.service")
	shown := strings.ReplaceAll(string(text), "/usr/local/bin/refmond", program)
	if err := os.WriteFile(unit, []byte(shown), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	if strings.Contains(string(out), "Unknown key") || strings.Contains(string(out), "Failed to parse") {
		t.Errorf("%v\n%s", err, out)
	}
}

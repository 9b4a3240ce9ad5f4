package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit: systemd reads the units that are shipped, where it is there to be asked.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../../systemd/refmond.service")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := os.ReadFile("../../systemd/refmond.socket")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{shipped.Socket, shipped.AdminSocket} {
		if !strings.Contains(string(socket), "ListenStream="+at+"\n") {
			t.Errorf("the socket unit does not listen at %s", at)
		}
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
	dir := t.TempDir()
	unit, sockets := filepath.Join(dir, "refmond.service"), filepath.Join(dir, "refmond.socket")
	shown := strings.ReplaceAll(string(text), "/usr/local/bin/refmond", program)
	if err := errors.Join(os.WriteFile(unit, []byte(shown), 0o600), os.WriteFile(sockets, socket, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", unit, sockets).CombinedOutput()
	if strings.Contains(string(out), "Unknown key") || strings.Contains(string(out), "Failed to parse") {
		t.Errorf("%v\n%s", err, out)
	}
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFiles: the user and the folders of the unit are those that sysusers and tmpfiles
// make, with the configuration's own paths, and systemd reads both where it is there.
func TestFiles(t *testing.T) {
	text := map[string]string{}
	for _, name := range []string{"service", "sysusers", "tmpfiles"} {
		b, err := os.ReadFile("../../systemd/refmond." + name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(b)
	}
	cfg, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string][]string{
		"service":  {"User=refmond", "StateDirectory=" + filepath.Base(cfg.State), "RuntimeDirectory=refmon\n"},
		"sysusers": {"u refmond ", cfg.State},
		"tmpfiles": {"d " + cfg.State + " 0700 refmond", "d " + filepath.Dir(cfg.Socket) + " ",
			"d " + filepath.Dir(cfg.AdminSocket) + " "},
	} {
		for _, w := range want {
			if !strings.Contains(strings.Join(strings.Fields(text[in]), " "), strings.TrimSpace(w)) {
				t.Errorf("refmond.%s lacks %q", in, w)
			}
		}
	}
	for program, in := range map[string]string{"systemd-sysusers": "sysusers", "systemd-tmpfiles": "tmpfiles"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("no %s on this machine", program)
			continue
		}
		cmd := exec.Command(path, "--dry-run", "-")
		if program == "systemd-tmpfiles" {
			cmd = exec.Command(path, "--create", "--dry-run", "-")
		}
		cmd.Stdin = strings.NewReader(strings.ReplaceAll(text[in], " refmond refmond", " root root")) // no such user here
		if out, err := cmd.CombinedOutput(); strings.Contains(string(out), "<stdin>:") ||
			strings.Contains(string(out), "Unknown") && !strings.Contains(string(out), "unrecognized option") {
			t.Errorf("%s: %v\n%s", program, err, out)
		}
	}
}

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
	trees, err := os.ReadFile("../../systemd/refmond-trees.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range ofTrees {
		if strings.Count(string(trees), c.name) != 2 {
			t.Errorf("refmond-trees.conf does not give %s", c.name)
		}
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
	shown := strings.ReplaceAll(string(text), "/usr/local/bin/refmond", program) + string(trees)
	if err := errors.Join(os.WriteFile(unit, []byte(shown), 0o600), os.WriteFile(sockets, socket, 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", unit, sockets).CombinedOutput()
	if strings.Contains(string(out), "Unknown key") || strings.Contains(string(out), "Failed to parse") {
		t.Errorf("%v\n%s", err, out)
	}
}

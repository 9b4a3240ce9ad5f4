package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/server/index"
)

// TestVerbs: the verbs that ask, over a tree of plain files, with their exit codes.
func TestVerbs(t *testing.T) {
	tree, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	dir := filepath.Join(t.TempDir(), "firm.yaml")
	const firm = "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n"
	err := errors.Join(os.WriteFile(filepath.Join(tree, "plan"), nil, 0o644), os.Chmod(filepath.Join(tree, "plan"), 0o644),
		os.WriteFile(filepath.Join(tree, "own"), nil, 0o600), os.WriteFile(dir, []byte(firm), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token.json")
	const tok = `{"user":"S-1-5-21-1-2-3-1107","groups":["S-1-1-0"]}`
	if err := os.WriteFile(file, []byte(tok), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = index.Run(ctx, index.Config{Trees: []string{tree}, Directory: dir, Rights: "read", State: state, NoEvents: true,
		Beat: time.Millisecond, Ready: stop})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(state, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"can-read plan alice", "no: there is no such document in the index\n", 1},
		{"can-read TREE/plan alice", "yes\n", 0},
		{"why TREE/plan alice", "yes\n\nright       read\nclass ", 0},
		{"why TREE/own alice", "no\n\nright       read\nclass ", 1},
		{"filter alice", "", 0},
		{"status", "documents   3\nunreadable  0, of no one\n", 0},
		{"can-read TREE/plan alice --json", `{"allowed":true,"class":"`, 0},
		{"can-read TREE/own alice --json", `{"allowed":false,"class":"`, 1},
		{"listed", "", 0},
		{"filter alice --form bitmap", `{"right":"read","bitmap":"`, 0},
		{"filter alice --form sids", "those of a token", 2},
		{"filter --token TOKEN --form sids", `"sids":["S-1-1-0"`, 0},
		{"filter", "name a person, or a token", 2},
		{"can-read TREE/plan --token TOKEN", "yes\n", 0},
		{"can-read TREE/own --token TOKEN", "no\n", 1},
		{"can-read TREE/own alice --token TOKEN", "name a person, or a token", 2},
		{"why TREE/nothing alice", "no: ", 1},
		{"can-read TREE/plan mallory", "no: ", 1},
		{"can-read TREE/plan alice --limit 1ns", "no: there was no beat of ", 1},
		{"filter mallory", "refmon-index: ", 2},
		{"changes", `"document":"TREE/plan","right":"read","gained":["S-1-5-21-1-2-3-1107"]`, 0},
		{"version", "refmon-index", 0},
		{"status --bad", "unknown flag", 2},
	} {
		args := strings.Fields(strings.NewReplacer("TREE", tree, "TOKEN", file).Replace(c.args))
		if args[0] != "version" {
			args = append(args, "--state", state)
		}
		var out bytes.Buffer
		code := run(args, &streams{out: &out, err: &out})
		if code != c.code || !strings.Contains(out.String(), strings.ReplaceAll(c.want, "TREE", tree)) {
			t.Errorf("%s: code %d\n%s", c.args, code, out.String())
		}
	}
}

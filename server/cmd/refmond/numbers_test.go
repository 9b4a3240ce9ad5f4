package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestSharedUIDMapsToNobody checks the ids of a directory file: uids belong to users and gids to groups. An id that two
// accounts share maps to neither of them, though each account has the id. Two ids of one account map to it, and it has
// the last one (L-59).
func TestSharedUIDMapsToNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.yaml")
	const domain = "S-1-5-21-1-2-3-"
	text := "domain: S-1-5-21-1-2-3\nusers:\n" +
		"  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001, gid: 2000}\n" +
		"  - {name: bob, sid: S-1-5-21-1-2-3-1108, uid: 1002}\n  - {name: carol, sid: S-1-5-21-1-2-3-1109, uid: 1002}\n" +
		"  - {name: dave, sid: S-1-5-21-1-2-3-1110, uid: 2000}\n  - {name: eve, sid: S-1-5-21-1-2-3-1111}\n" +
		"  - {name: mallory, sid: S-1-5-21-1-2-3-1112, uid: 1004}\n" +
		"  - {name: also-mallory, sid: S-1-5-21-1-2-3-1112, uid: 1004}\n" +
		"  - {name: oscar, sid: S-1-5-21-1-2-3-1113, uid: 1002}\n" +
		"  - {name: peggy, sid: S-1-5-21-1-2-3-1114, uid: 1006}\n" +
		"  - {name: also-peggy, sid: S-1-5-21-1-2-3-1114, uid: 1007}\n" +
		"groups:\n  - {name: staff, sid: S-1-5-21-1-2-3-2000, gid: 2000}\n" +
		"  - {name: all, sid: S-1-5-21-1-2-3-2001, gid: 0}\n"
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	table, err := readNumbers(file)
	check.NoError(t, err)
	n := new(numbers)
	n.now.Store(table)
	ctx := context.Background()
	for id, want := range map[uint32][2]string{1001: {"1107", ""}, 2000: {"1110", "2000"}, 0: {"", "2001"}, 1003: {"", ""},
		1002: {"many", ""}, 1004: {"1112", ""}, 1006: {"1114", ""}, 1007: {"1114", ""}} {
		for kind, of := range []func(context.Context, uint32) (sid.SID, bool, error){n.SIDOfUID, n.SIDOfGID} {
			s, ok, err := of(ctx, id)
			rid := want[kind]
			if rid == "many" {
				check.That(t, s.IsZero() && !ok && errors.Is(err, errMany),
					"L-59: id %d of two: %v, %t, %v", id, s, ok, err)
				continue
			}
			check.That(t, ok == (rid != "") && err == nil && (!ok || s.String() == domain+rid) && (ok || s.IsZero()),
				"L-59: kind %d, id %d: %v, %t, %v, want %q", kind, id, s, ok, err, rid)
		}
	}
	for rid, want := range map[string][2]uint32{"1107": {1001, 0}, "1108": {1002, 0}, "1109": {1002, 0}, "1110": {2000, 0},
		"1111": {0, 0}, "1112": {1004, 0}, "1113": {1002, 0}, "1114": {1007, 0}, "2000": {0, 2000},
		"2001": {0, 0}, "3000": {0, 0}} {
		s := sid.MustParse(domain + rid)
		uid, isUser, err := n.UIDOf(ctx, s)
		gid, isGroup, err2 := n.GIDOf(ctx, s)
		if uid != want[0] || isUser != (want[0] != 0) || gid != want[1] || isGroup != strings.HasPrefix(rid, "20") ||
			err != nil || err2 != nil {
			t.Errorf("L-59: %s: uid %d, %t, %v, gid %d, %t, %v, want %v",
				rid, uid, isUser, err, gid, isGroup, err2, want)
		}
	}
	if table, err := readNumbers(""); table != nil || err != nil {
		t.Errorf("no file: %v, %v, want nil, nil", table, err)
	}
	pipe := file + ".pipe" // nobody writes to it, so reading it would block a reload for ever
	check.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, name := range []string{file + ".gone", filepath.Dir(file), pipe} {
		if table, err := readNumbers(name); table != nil || err == nil || !strings.Contains(err.Error(), "directory") &&
			!strings.Contains(err.Error(), "regular file") {
			t.Errorf("%s: %v, %v", name, table, err)
		}
	}
	if err := os.Truncate(file, maxNumbers+1); err != nil { // a hole takes no disk space
		t.Fatal(err)
	}
	if _, err := readNumbers(file); err == nil || !strings.Contains(err.Error(), "is longer than") {
		t.Errorf("a file that is too long: %v, want an error with \"is longer than\"", err)
	}
}

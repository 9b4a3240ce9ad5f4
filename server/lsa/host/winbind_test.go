package host

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/sid"
)

// TestWinbind: the lines of wbinfo, of a program that is made up here. Only "not
// found" says that there is no such account (L-55).
func TestWinbind(t *testing.T) {
	program := filepath.Join(t.TempDir(), "wbinfo")
	if err := os.WriteFile(program, []byte(`#!/bin/sh
case "$1 $2" in
"-U 70001" | "-G 70001") echo S-1-5-21-9-8-7-1103 ;;
"-S S-1-5-21-9-8-7-1103" | "-Y S-1-5-21-9-8-7-1103") echo 70001 ;;
"-U 70002") echo 'failed to call wbcUidToSid: WBC_ERR_DOMAIN_NOT_FOUND' >&2; exit 1 ;;
"-U 70003") echo 'failed to call wbcUidToSid: WBC_ERR_WINBIND_NOT_AVAILABLE' >&2; exit 1 ;;
"-U 70004") echo garbage ;;
"-U 70005") echo S-1-5-21-9-8-7-1103; echo S-1-5-21-9-8-7-1104 ;;
"-U 70006") ;;
"-S S-1-5-21-9-8-7-5") echo -1 ;;
"-S S-1-5-21-9-8-7-6") echo 4294967296 ;;
*) exit 1 ;;
esac
`), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, d := context.Background(), &Domains{wbinfo: program}
	alice := sid.MustParse("S-1-5-21-9-8-7-1103")
	for _, ask := range []func(context.Context, uint32) (sid.SID, bool, error){d.SIDOfUID, d.SIDOfGID} {
		if s, ok, err := ask(ctx, 70001); s != alice || !ok || err != nil {
			t.Errorf("70001 is %v, %v, %v", s, ok, err)
		}
	}
	for _, ask := range []func(context.Context, sid.SID) (uint32, bool, error){d.UIDOf, d.GIDOf} {
		if n, ok, err := ask(ctx, alice); n != 70001 || !ok || err != nil {
			t.Errorf("alice is %v, %v, %v", n, ok, err)
		}
	}
	for uid, silent := range map[uint32]bool{70002: false, 70003: true, 70004: true, 70005: true, 70006: true, 7: true} {
		if s, ok, err := d.SIDOfUID(ctx, uid); ok || (err != nil) != silent {
			t.Errorf("%d is %v, %v, %v (L-55)", uid, s, ok, err)
		}
	}
	for _, rid := range []uint32{5, 6, 7} {
		if n, ok, err := d.UIDOf(ctx, alice.Prefix().WithRID(rid)); ok || err == nil {
			t.Errorf("RID %d is %d, %v, %v", rid, n, ok, err)
		}
	}
	if _, ok, err := (&Domains{wbinfo: program + ".none"}).SIDOfUID(ctx, 70001); ok || err == nil {
		t.Error("a program that is not there gave an answer")
	}
}

// TestThisWinbind asks the winbind of this host, where one runs.
func TestThisWinbind(t *testing.T) {
	if err := exec.Command("wbinfo", "-p").Run(); err != nil {
		t.Skipf("no winbind answers here: wbinfo -p: %v", err)
	}
	if s, ok, err := NewDomains().SIDOfUID(context.Background(), 4294967294); ok {
		t.Errorf("a uid of no account is %v, %v", s, err)
	}
}

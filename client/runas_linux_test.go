package client

import (
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"testing"
)

// runAs sets the uid, gid and host groups of a user and keeps the other attributes. An unknown uid is an error and
// changes nothing.
func TestRunAs(t *testing.T) {
	who, err := user.LookupId("0")
	if err != nil {
		t.Skip("the host names no user 0: ", err)
	}
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	named, err := who.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	want := &syscall.Credential{Uid: 0, Gid: number(who.Gid)}
	for _, g := range named {
		want.Groups = append(want.Groups, number(g))
	}
	for _, before := range []*syscall.SysProcAttr{nil, {Setsid: true, Pdeathsig: syscall.SIGTERM}} {
		cmd := &exec.Cmd{SysProcAttr: before}
		if err := runAs(cmd, 0); err != nil {
			t.Fatal(err)
		}
		got := cmd.SysProcAttr.Credential
		if got.Uid != want.Uid || got.Gid != want.Gid || !slices.Equal(got.Groups, want.Groups) || got.NoSetGroups {
			t.Errorf("%+v, want %+v", got, want)
		}
		if before != nil && (cmd.SysProcAttr != before || !before.Setsid || before.Pdeathsig != syscall.SIGTERM) {
			t.Errorf("of what was asked for %+v is left", cmd.SysProcAttr)
		}
	}
	cmd := new(exec.Cmd)
	if _, err := user.LookupId("3999999999"); err == nil {
		t.Skip("the host names every user")
	}
	if err := runAs(cmd, 3999999999); err == nil || cmd.SysProcAttr != nil {
		t.Errorf("a user that is not: %v, %+v, want an error, nil", err, cmd.SysProcAttr)
	}
}

package client

import (
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// runAs sets the uid, gid and host groups of a user and keeps the other attributes. An unknown uid is an error and
// changes nothing.
func TestRunAsSetsCredential(t *testing.T) {
	who, err := user.LookupId("0")
	if err != nil {
		t.Skip("the host has no name for uid 0: ", err)
	}
	number := func(text string) uint32 {
		n := check.Must(strconv.ParseUint(text, 10, 32))
		return uint32(n)
	}
	named := check.Must(who.GroupIds())
	want := &syscall.Credential{Uid: 0, Gid: number(who.Gid)}
	for _, g := range named {
		want.Groups = append(want.Groups, number(g))
	}
	for _, before := range []*syscall.SysProcAttr{nil, {Setsid: true, Pdeathsig: syscall.SIGTERM}} {
		cmd := &exec.Cmd{SysProcAttr: before}
		check.NoError(t, runAs(cmd, 0))
		got := cmd.SysProcAttr.Credential
		check.That(t, got.Uid == want.Uid && got.Gid == want.Gid && slices.Equal(got.Groups, want.Groups) && !got.NoSetGroups,
			"runAs(0): credential %+v, want %+v", got, want)
		if before != nil && (cmd.SysProcAttr != before || !before.Setsid || before.Pdeathsig != syscall.SIGTERM) {
			t.Errorf("runAs(0) changed other attributes: %+v, want %+v", cmd.SysProcAttr, before)
		}
	}
	cmd := new(exec.Cmd)
	if _, err := user.LookupId("3999999999"); err == nil {
		t.Skip("the host has names for all uids")
	}
	if err := runAs(cmd, 3999999999); err == nil || cmd.SysProcAttr != nil {
		t.Errorf("runAs of an unknown uid: %v, %+v; want an error, no attributes", err, cmd.SysProcAttr)
	}
}

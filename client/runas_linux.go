package client

import (
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// runAs sets the credential of cmd to a host user and that user's groups, and does not start cmd. uid is the user's
// number, and the host's user database provides the groups. An unknown uid is an error. After an error cmd is
// unchanged.
func runAs(cmd *exec.Cmd, uid uint32) error {
	who, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return fmt.Errorf("group of uid %d: %w", uid, err)
	}
	named, err := who.GroupIds()
	if err != nil {
		return fmt.Errorf("groups of uid %d: %w", uid, err)
	}
	var groups []uint32
	for _, text := range named {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("groups of uid %d: %w", uid, err)
		}
		groups = append(groups, uint32(n))
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uint32(gid), Groups: groups}
	return nil
}

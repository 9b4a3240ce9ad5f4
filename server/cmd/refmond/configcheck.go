package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/server/auth/confined"
)

// Limits of the check of a tree's files.
const (
	checkWait   = 10 * time.Second
	mostChecked = 5 // files of one tree that are listed
)

// checkConfig loads a configuration and returns a summary. The summary has state, socket, and at most mostChecked files
// per tree whose stored descriptors are invalid. Unreadable trees are omitted. A configuration that cannot be loaded is
// an error, and so is a file in it that checkFiles refuses.
func checkConfig(file string) (string, error) {
	c, err := load(file)
	if err != nil {
		return "", err
	}
	if err := c.checkFiles(); err != nil {
		if uid, other := c.otherOwner(); other {
			err = fmt.Errorf("%w; the state folder belongs to uid %d: run this as that user", err, uid)
		}
		return "", fmt.Errorf("configuration %s: %w", file, err)
	}
	summary := fmt.Sprintf("state %s, socket %s", c.State, c.Socket)
	for i := range c.trees {
		summary += listIgnored(&c.trees[i])
	}
	return summary, nil
}

// checkFiles returns an error if refmond serve would refuse the contents of a file that the configuration names: the
// keytab, the password file and CA of the directory, and idNumbers. A state that exists and is no directory is an error
// too. It must run as refmond's user, because a secret may not belong to another one. It connects to nothing and writes
// nothing.
func (c *config) checkFiles() error {
	if state, err := os.Stat(c.State); err == nil && !state.IsDir() {
		return fmt.Errorf("state: %s is not a directory", c.State)
	}
	if _, err := readNumbers(c.IDNumbers); err != nil {
		return err
	}
	tickets, err := c.Kerberos.open("", nil, nil, &confined.Parser{})
	if err != nil {
		return err
	}
	if tickets != nil {
		err = tickets.Close()
	}
	people, failed := c.openDirectory(nil, nil)
	if failed == nil && people != nil {
		failed = people.Close()
	}
	return errors.Join(err, failed)
}

// listIgnored lists files of a tree whose stored descriptors are ignored, with cause and repair. It inspects at most
// mostStored files for at most checkWait. It returns "" if it finds none, also if the tree cannot be read (F-204).
func listIgnored(t *treeConfig) string {
	ctx, cancel := context.WithTimeout(context.Background(), checkWait)
	defer cancel()
	var lines []string
	var more int
	counts, _ := hostfs.Repair(ctx, hostfs.RepairConfig{Path: t.Path, Attribute: t.Attribute, DryRun: true,
		Most: mostStored, IgnorePosix: t.IgnorePosix, Each: func(r hostfs.Repaired) {
			switch {
			case !r.Stale:
			case len(lines) == mostChecked:
				more++
			default:
				lines = append(lines, "\n  tree "+t.name+": "+inLine(r.String()))
			}
		}})
	if more > 0 {
		lines = append(lines, fmt.Sprintf("\n  tree %s: %d more of %d files: refmon acl repair --dry-run %s", t.name, more,
			counts.Files, t.Path))
	}
	return strings.Join(lines, "")
}

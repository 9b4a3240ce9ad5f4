package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/refmon/refmon/hostfs"
)

// Limits of the check of a tree's files.
const (
	checkWait   = 10 * time.Second
	mostChecked = 5 // files of one tree that are listed
)

// checkConfig loads a configuration and returns a summary. The summary has state, socket, and at most mostChecked files
// per tree whose stored descriptors are invalid. Unreadable trees are omitted. Only a failure to load the
// configuration is an error.
func checkConfig(file string) (string, error) {
	c, err := load(file)
	if err != nil {
		return "", err
	}
	summary := fmt.Sprintf("state %s, socket %s", c.State, c.Socket)
	for i := range c.trees {
		summary += unbelievedIn(&c.trees[i])
	}
	return summary, nil
}

// unbelievedIn lists files of a tree whose stored descriptors are ignored, with cause and repair. It returns "" if
// there are none, and if the tree cannot be read (F-204).
func unbelievedIn(t *treeConfig) string {
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

package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/server/watch/feed"
)

type runCmd struct {
	Tree     []string `help:"A tree of files, by an absolute path." required:"" placeholder:"DIR" sep:"none"`
	people   `embed:""`
	State    string   `help:"The folder of the index, created if it is missing." required:"" placeholder:"DIR"`
	Right    string   `help:"The rights to index, joined by +." default:"read" short:"w"`
	Share    []string `help:"${share}" placeholder:"SDDL|FILE[:SHARE]" sep:"none"`
	Traverse string   `help:"${traverse}" default:"host"`
	outputs  `embed:""`
	Watch    string        `help:"Read the trees through this watch socket of refmond." placeholder:"SOCKET"`
	NoEvents bool          `help:"Use walks only, for file systems that do not report changes."`
	Every    time.Duration `help:"The interval of full walks (default an hour)." placeholder:"TIME"`
	messages `embed:""`
	serving  `embed:""`
}

// Help returns the long text of --help for the command run.
func (runCmd) Help() string {
	return `Reads all files of the trees, then follows them. A changed descriptor and a created, removed or
moved file are in the index within a second. A changed membership is in the index after two equal
reads of the directory file. The command answers can-read, why, filter, status and listed on a Unix
socket in the folder of the index, and with --socket those of other users too: root, its own user and
--ask may ask about everybody, and others about the person with their uid. It needs CAP_SYS_ADMIN and
CAP_DAC_READ_SEARCH to receive a file system's events. --no-events works without them, and with
--watch refmond reads the trees for a user without access to the files.

The walk at the start finds changes made while it did not run.`
}

// checkEvery returns an error for an interval of full walks that is too short. 0 stands for the default.
func checkEvery(every time.Duration) error {
	if every != 0 && every < index.LeastEvery {
		return fmt.Errorf("--every is %v: give at least %v", every, index.LeastEvery)
	}
	return nil
}

// Validate returns an error for a --every that is too short, for a tree with a relative path, and for a tree inside
// another one. So such a run ends before it waits for a database or writes to an output (N-142).
func (c *runCmd) Validate() error {
	return errors.Join(checkEvery(c.Every), index.SeparateTrees(c.Tree))
}

// Run maintains the index until SIGINT or SIGTERM, which is not an error, or until a stage fails. It prints how long
// the first walk took, and transient errors, to the error output. --nats with --socket or --ask is an error, and
// so is --ask without --socket. Outputs are opened before the first walk.
func (c *runCmd) Run(std *streams) error {
	if c.Nats && (c.Socket != "" || c.Ask != nil) {
		return errServed
	}
	if c.Ask != nil && c.Socket == "" {
		return errAsk
	}
	uids, err := c.uids()
	if err != nil {
		return err
	}
	share, guard, err := c.share(std.warn)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	roster, done, err := c.people.open(std.warn)
	if err != nil {
		return err
	}
	defer done()
	sinks, err := c.outputs.open(ctx, c.State, std.warn)
	if err != nil {
		return unlessStopped(ctx, err) // a signal may have ended the wait for the database
	}
	var from func(tree string) watch.Source
	if c.Watch != "" {
		follower := func(tree string) *feed.Follower {
			return &feed.Follower{Socket: c.Watch, Root: filepath.Clean(tree), Share: share, Traverse: c.Traverse,
				Warn: std.warn}
		}
		from = func(tree string) watch.Source { return follower(tree) }
		if roster == nil {
			roster = &index.Directory{File: c.Directory}
		}
		roster = checkedRoster{roster, follower(c.Tree[0]).CheckAccounts} // refmond has one account map for all trees
	}
	start := time.Now()
	return c.run(ctx, index.Config{Trees: c.Tree, Directory: c.Directory, Roster: roster, Rights: c.Right,
		Share: share, Guard: guard, Traverse: index.Traverse(c.Traverse),
		State: c.State, Sinks: sinks, NoEvents: c.NoEvents, Every: c.Every,
		From: from, Warn: std.warn, Query: c.serve(c.State, uids, std.warn),
		Ready: func() {
			fmt.Fprintf(std.err, "refmon-index: all files were looked at in %s\n", time.Since(start).Round(time.Millisecond))
		}})
}

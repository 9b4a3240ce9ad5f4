package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/feed"
)

type runCmd struct {
	Tree     []string `help:"A tree of files, by an absolute path." required:"" placeholder:"DIR"`
	people   `embed:""`
	State    string `help:"The folder of the index, made if it is not there." required:"" placeholder:"DIR"`
	Right    string `help:"The rights that are kept, joined by +." default:"read" short:"w"`
	Share    string `help:"The share's own descriptor: what it does not grant is denied." placeholder:"SDDL"`
	Traverse string `help:"How folders on the way are tested: never, privilege or always." default:"never"`
	outputs  `embed:""`
	Watch    string        `help:"refmond's socket for watchers: it looks at the trees." placeholder:"SOCKET"`
	NoEvents bool          `help:"Walk only: for file systems whose changes cannot be heard."`
	Every    time.Duration `help:"How often all files are looked at (default an hour)." placeholder:"TIME"`
	messages `embed:""`
}

// Help returns the long help of the verb.
func (runCmd) Help() string {
	return `Looks at all files of the trees, then follows them: a changed descriptor, a file that comes, goes or
moves is in the index within a second, a changed membership as soon as the directory file was read twice
alike. It has no listener. Changes of a file system are heard with CAP_SYS_ADMIN and
CAP_DAC_READ_SEARCH; --no-events does without, and with --watch refmond looks at its trees for a user
who may nothing with their files.

What was changed while it did not run is found by the walk at its start.`
}

// Run keeps the index.
func (c *runCmd) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	roster, done, err := c.people.open()
	if err != nil {
		return err
	}
	defer done()
	sinks, err := c.outputs.open(ctx, c.State)
	if err != nil {
		return err
	}
	warn := func(err error) { fmt.Fprintf(std.err, "refmon-index: %v\n", err) }
	var from func(tree string) index.Source
	if c.Watch != "" {
		from = func(tree string) index.Source {
			return &feed.Follower{Socket: c.Watch, Root: tree, Share: c.Share, Traverse: index.Traverse(c.Traverse), Warn: warn}
		}
	}
	start := time.Now()
	return c.run(ctx, index.Config{Trees: c.Tree, Directory: c.Directory, Roster: roster, Rights: c.Right,
		Share: c.Share, Traverse: index.Traverse(c.Traverse),
		State: c.State, Sinks: sinks, NoEvents: c.NoEvents, Every: c.Every,
		From: from, Warn: warn,
		Ready: func() {
			fmt.Fprintf(std.err, "refmon-index: all files were looked at in %s\n", time.Since(start).Round(time.Millisecond))
		}})
}

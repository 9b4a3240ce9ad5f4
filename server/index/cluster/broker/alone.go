package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
	"github.com/refmon/refmon/server/watch"
)

// Alone configures an index of one machine whose stages communicate through an embedded NATS
// server. Host, Trees, Directory or Roster, Rights and State are required; see [index.Config].
type Alone struct {
	Host      string // first part of document names: //HOST/srv/plan
	Trees     []string
	Directory string
	Roster    index.Roster
	Rights    string
	Share     string
	Traverse  index.Traverse
	State     string       // the folder of the index
	Sinks     []index.Sink // in addition to the folder; Run closes them
	Parts     int          // parts of each tree, and of the classes; 0: 1

	NoEvents bool
	Every    time.Duration
	Beat     time.Duration
	From     func(tree string) watch.Source
	Warn     func(error)
	Ready    func()
}

// Run runs all stages and blocks until the context ends, which is not an error, or one of them fails. It does not
// listen on a port, and keeps the keys of its roles in memory. It returns an error if another run uses the folder
// State, or if the configuration is not valid. It always closes Sinks. Parts is also the number of deciders.
// Connections and the server are closed before it returns.
func (a *Alone) Run(ctx context.Context) (err error) {
	unused := a.Sinks // the follower closes them once it runs
	defer func() {
		for _, s := range unused {
			err = errors.Join(err, s.Close())
		}
	}()
	s, seeds, err := site.New(site.Site{Rights: a.Rights, Share: a.Share, Traverse: a.Traverse,
		Hosts: map[string][]string{a.Host: a.Trees}, Parts: a.Parts, Deciders: a.Parts})
	if err != nil {
		return err
	}
	store, done, err := a.store()
	if err != nil {
		return err
	}
	defer done()
	b, err := Start(s, Options{Store: store})
	if err != nil {
		return err
	}
	defer b.Close()
	var open []*stages.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	dial := func(r site.Role) (*stages.Conn, error) {
		c, err := stages.Dial(s, r, seeds[r], stages.Options{InProcess: b, Warn: a.Warn})
		if err == nil {
			open = append(open, c)
		}
		return c, err
	}
	keeper, err := dial(site.Keeper)
	if err != nil {
		return err
	}
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	kept, err := keep(keeping, keeper)
	if err != nil {
		return err
	}
	all := []func(context.Context) error{b.Wait, func(ctx context.Context) error {
		select {
		case err := <-kept:
			return err
		case <-ctx.Done():
			return nil
		}
	}}
	for _, role := range []site.Role{site.Watch(a.Host), site.Directory, site.Work, site.Follow} {
		c, err := dial(role)
		if err != nil {
			return err
		}
		all = append(all, func(ctx context.Context) error { return a.stage(ctx, c, role) })
	}
	unused = nil
	return together(ctx, all)
}

// keep runs the keeper, which creates the streams and deletes old messages, until the context ends. It returns when the
// streams exist. kept receives the error with which the keeper ends. If the keeper ends before, keep returns its error.
func keep(ctx context.Context, c *stages.Conn) (kept <-chan error, err error) {
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- stages.Keep(ctx, c, func() { close(ready) }) }()
	select {
	case <-ready:
		return ended, nil
	case err := <-ended:
		return nil, fmt.Errorf("make the streams: %w", err)
	}
}

// store creates an empty folder for the embedded server's messages, and locks it (N-10). Messages of an earlier run are
// deleted. On success the caller calls done, which removes and unlocks the folder. If another process has the lock,
// store returns an error.
func (a *Alone) store() (dir string, done func(), err error) {
	if err := os.MkdirAll(a.State, 0o700); err != nil {
		return "", nil, err
	}
	dir = filepath.Join(a.State, "messages")
	lock, err := lockMessages(filepath.Join(a.State, "messages.lock"), dir, "refmon-index")
	if err != nil {
		return "", nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		_ = lock.Close()
		return "", nil, fmt.Errorf("remove the messages of an earlier run: %w", err)
	}
	return dir, func() {
		_ = os.RemoveAll(dir) // after a failure the next run removes the rest
		_ = lock.Close()
	}, nil
}

// stage runs the stage of a role until ctx ends or the stage fails, and returns its error. Roles other than
// directory, work and follow run the watcher of this host.
func (a *Alone) stage(ctx context.Context, c *stages.Conn, role site.Role) error {
	switch role {
	case site.Directory:
		return stages.Directory(ctx, c, stages.DirectoryConfig{File: a.Directory, Roster: a.Roster, Beat: a.Beat})
	case site.Work:
		return stages.Work(ctx, c, stages.WorkConfig{Name: "w", Beat: a.Beat})
	case site.Follow:
		return stages.Follow(ctx, c, stages.FollowConfig{State: a.State, Sinks: a.Sinks, Beat: a.Beat, Ready: a.Ready})
	}
	return stages.Watch(ctx, c, stages.WatchConfig{Host: a.Host, NoEvents: a.NoEvents, Every: a.Every, Beat: a.Beat,
		From: a.From})
}

// together runs all functions concurrently until the first one returns or ctx ends. It cancels the others and waits
// for them. It returns nil if ctx has ended, and otherwise what the first function returned. If that was nil, it
// returns [context.Canceled].
func together(ctx context.Context, all []func(context.Context) error) error {
	caller := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() { stop(run(ctx)) })
	}
	running.Wait()
	if caller.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

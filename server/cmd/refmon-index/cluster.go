package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
	"github.com/refmon/refmon/server/index/postgres"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/server/watch/feed"
)

type brokerCmd struct {
	configured `embed:""`
	Site       string   `help:"The folder of the site." required:"" placeholder:"DIR"`
	Name       string   `help:"The server's name in the cluster." required:""`
	Listen     string   `help:"The address for clients." required:"" placeholder:"HOST:PORT"`
	Cluster    string   `help:"The address for the other NATS servers." placeholder:"HOST:PORT"`
	Route      []string `help:"The address of another NATS server." placeholder:"HOST:PORT"`
	Store      string   `help:"The folder for messages." required:"" placeholder:"DIR"`
}

// Run runs a NATS server until SIGINT or SIGTERM, which is not an error, or until it cannot store messages. If the
// folder has keeper.seed, it also creates the streams. An unreadable or wrong site, and an address that is taken, are
// errors. Errors of keeping the streams end it too.
func (c *brokerCmd) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := site.Load(c.Site)
	if err != nil {
		return err
	}
	secure, err := site.ServerTLS(c.Site)
	if err != nil {
		return err
	}
	b, err := broker.Start(s, broker.Options{Name: c.Name, Listen: c.Listen, Cluster: c.Cluster, Routes: c.Route,
		TLS: secure, Store: c.Store, Log: func(line string) { std.warn(errors.New(line)) }})
	if err != nil {
		return err
	}
	defer b.Close()
	k, err := dial(std, c.Site, site.Keeper)
	if errors.Is(err, os.ErrNotExist) { // without keeper.seed another server creates the streams
		return b.Wait(ctx)
	}
	if err != nil {
		return err
	}
	defer k.Close()
	ctx, end := context.WithCancel(ctx)
	defer end()
	full := make(chan error, 1)
	go func() {
		full <- b.Wait(ctx)
		end()
	}()
	if err := keep(ctx, std, k); err != nil && ctx.Err() == nil {
		return err
	}
	return <-full
}

// keep runs the keeper of a site: it creates the streams, prints that they are ready, and deletes messages for workers
// until ctx ends.
func keep(ctx context.Context, std *streams, k *stages.Conn) error {
	return stages.Keep(ctx, k, func() { fmt.Fprintf(std.err, "refmon-index: the streams are ready\n") })
}

type keepCmd struct {
	member `embed:""`
}

// Help returns the long text of --help for the command keep.
func (keepCmd) Help() string {
	return `Run it for existing NATS servers, after you include the site's nats.conf in their configuration.
Several may run. NATS servers of refmon-index broker need none.`
}

// Run creates the streams on the site's NATS servers, or updates them, and deletes obsolete messages until SIGINT or
// SIGTERM.
func (c *keepCmd) Run(std *streams) error {
	return c.run(std, site.Keeper, func(ctx context.Context, x *stages.Conn) error { return keep(ctx, std, x) })
}

// member has the flags of roles that connect to a site's NATS servers.
type member struct {
	configured `embed:""`
	Site       string        `help:"The folder of the site." required:"" placeholder:"DIR"`
	Beat       time.Duration `help:"The interval of heartbeats and of polling." default:"1s"`
}

// run connects to the cluster as role r and calls stage with the connection. run first waits for a NATS server and the
// streams (N-122). SIGINT and SIGTERM end that wait and the context of stage, and run then returns nil. Otherwise it
// returns the error of the connection or of stage. It closes the connection.
func (m *member) run(std *streams, r site.Role, stage func(context.Context, *stages.Conn) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, err := dial(std, m.Site, r)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.Wait(ctx) != nil || c.AwaitStreams(ctx) != nil { // a signal has ended ctx
		return nil
	}
	return unlessStopped(ctx, stage(ctx, c))
}

// unlessStopped returns err, but nil if err is that of ctx, which a signal has ended.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// dial connects to the site's NATS servers as a role, with the keys in the folder dir. The error is [os.ErrNotExist] if
// the folder has no site or no seed of the role. The caller closes the connection. A malformed site is an error.
func dial(std *streams, dir string, r site.Role) (*stages.Conn, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	seed, err := site.Seed(dir, r)
	if err != nil {
		return nil, err
	}
	o := stages.Options{Warn: std.warn, Patient: true}
	if !s.Plain() {
		if o.TLS, err = site.ClientTLS(dir); err != nil {
			return nil, err
		}
	}
	return stages.Dial(s, r, seed, o)
}

// warn prints a transient error. Its text may be that of a server or have a file's name, so it cannot control the
// terminal.
func (s *streams) warn(err error) {
	fmt.Fprintf(s.err, "refmon-index: %s\n", printable.Text(err.Error()))
}

type watchCmd struct {
	Host     string        `help:"This file server's name in the site." required:""`
	Watch    string        `help:"Read the trees through this watch socket of refmond." placeholder:"SOCKET"`
	NoEvents bool          `help:"Use walks only, for file systems that do not report changes."`
	Every    time.Duration `help:"The interval of full walks (default an hour)." placeholder:"TIME"`
	member   `embed:""`
}

// Validate returns an error for a --every that is too short.
func (c *watchCmd) Validate() error { return checkEvery(c.Every) }

// config returns the configuration that the flags name, without a source.
func (c *watchCmd) config() stages.WatchConfig {
	return stages.WatchConfig{Host: c.Host, NoEvents: c.NoEvents, Every: c.Every, Beat: c.Beat}
}

// Run watches the trees of a host and publishes their files until SIGINT or SIGTERM. With --watch refmond reads the
// trees. A failure of the NATS servers or of a tree is an error.
func (c *watchCmd) Run(std *streams) error {
	o := c.config()
	return c.run(std, site.Watch(c.Host), func(ctx context.Context, x *stages.Conn) error {
		if c.Watch != "" {
			o.From = func(tree string) watch.Source {
				return &feed.Follower{Socket: c.Watch, Root: tree, Share: x.Site().Share, Traverse: string(x.Site().Traverse),
					Beat: c.Beat, Warn: std.warn}
			}
		}
		return stages.Watch(ctx, x, o)
	})
}

type directoryCmd struct {
	people `embed:""`
	member `embed:""`
}

// Run publishes the directory until SIGINT or SIGTERM. It returns an error if the directory cannot be opened, or the
// connection to the NATS servers fails.
func (c *directoryCmd) Run(std *streams) error {
	roster, done, err := c.open(std.warn)
	if err != nil {
		return err
	}
	defer done()
	return c.run(std, site.Directory, func(ctx context.Context, x *stages.Conn) error {
		return stages.Directory(ctx, x, stages.DirectoryConfig{File: c.Directory, Roster: roster, Beat: c.Beat})
	})
}

type workCmd struct {
	Name    string `help:"The worker's unique name: letters, digits and -." required:""`
	Compact int64  `help:"The least size of a share's log before it is compacted (default 64 MiB)." placeholder:"BYTES"`
	member  `embed:""`
}

// config returns the configuration that the flags name.
func (c *workCmd) config() stages.WorkConfig {
	return stages.WorkConfig{Name: c.Name, Beat: c.Beat, Compact: c.Compact}
}

// Run computes rows and members of classes until SIGINT or SIGTERM. Several workers share the work. It returns an
// error if the connection to the NATS servers fails.
func (c *workCmd) Run(std *streams) error {
	return c.run(std, site.Work, func(ctx context.Context, x *stages.Conn) error {
		return stages.Work(ctx, x, c.config())
	})
}

type followCmd struct {
	Name    string `help:"This machine's name among the followers of the site, to report its lag." placeholder:"NAME"`
	State   string `help:"The folder of the index, created if it is missing." placeholder:"DIR"`
	Compact int64  `help:"The least size of the folder's log before it is compacted (default 64 MiB)." placeholder:"BYTES"`
	outputs `embed:""`
	member  `embed:""`
}

// Help returns the long text of --help for the command follow.
func (followCmd) Help() string {
	return `With --state it holds all rows in memory and in that folder, where the other commands query them. With
--postgres and without --state the rows are in the database only, with a partition for each tree, and
memory holds classes and people. Bulk lines need --state.`
}

// config returns the configuration that the flags name, without outputs.
func (c *followCmd) config() stages.FollowConfig {
	return stages.FollowConfig{Name: c.Name, State: c.State, Beat: c.Beat, Compact: c.Compact}
}

// Run stores the results of all workers in a folder and the selected outputs, or in a database alone, until SIGINT or
// SIGTERM. It returns an error at once without --state unless --postgres is the only output. A database that does not
// answer is waited for.
func (c *followCmd) Run(std *streams) error {
	if c.State == "" && (c.Postgres == "" || c.Bulk != "") {
		return errors.New("follow: give --state DIR, or --postgres DSN without --bulk")
	}
	return c.run(std, site.Follow, func(ctx context.Context, x *stages.Conn) error {
		start := time.Now()
		o := c.config()
		o.Ready = func() {
			fmt.Fprintf(std.err, "refmon-index: all is known, after %s\n", time.Since(start).Round(time.Millisecond))
		}
		if c.State == "" {
			s, err := postgres.AwaitStore(ctx, c.Postgres, c.Limit, std.warn)
			if err != nil {
				return err
			}
			o.Rows = s
			return stages.Follow(ctx, x, o)
		}
		var err error
		if o.Sinks, err = c.open(ctx, c.State, std.warn); err != nil {
			return err
		}
		return stages.Follow(ctx, x, o)
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
	"github.com/refmon/refmon/server/index/postgres"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/server/watch/feed"
)

type siteCmd struct {
	Folder   string   `arg:"" help:"The folder to create."`
	Host     []string `help:"A file server and one of its trees: NAME=/DIR." required:"" placeholder:"NAME=DIR" sep:"none"`
	Server   []string `help:"The address of a NATS server that the command broker runs." placeholder:"HOST:PORT"`
	Nats     []string `help:"An existing NATS server: tls://HOST:PORT." placeholder:"URL"`
	NatsCA   string   `help:"The CA of its certificate; the host's CAs by default." placeholder:"FILE" name:"nats-ca"`
	Right    string   `help:"The rights to index, joined by +." default:"read" short:"w"`
	Share    string   `help:"The share's own descriptor; it limits every access." placeholder:"SDDL"`
	Traverse string   `help:"${traverse}" default:"host"`
	Parts    int      `help:"The number of parts of each tree and of the classes." default:"4"`
	Replicas int      `help:"The number of copies of each message (default: 3 with 3 or more servers)." placeholder:"N"`
}

// Help returns the long text of --help for the command site.
func (siteCmd) Help() string {
	return `Creates the files that the machines of an index share: site.json, a CA and a certificate for the
NATS servers, and a key for each role. Copy site.json, ca.pem and the seeds of its roles to each
machine: watch-NAME.seed to the file server NAME; directory.seed, work.seed and follow.seed to the
machines with these commands; server.pem, server-key.pem and keeper.seed to the NATS servers.

To use existing NATS servers, give --nats instead of --server, include the account in nats.conf in
their configuration, and run refmon-index streams.`
}

// Run creates the folder of a site with its keys and prints its size. It returns an error, and replaces no file, if
// the folder has a site already. Exactly one of --server and --nats must be given.
func (c *siteCmd) Run(std *streams) error {
	s := site.Site{Rights: c.Right, Share: c.Share, Traverse: index.Traverse(c.Traverse),
		Hosts: map[string][]string{}, Parts: c.Parts, Deciders: c.Parts, Replicas: c.Replicas}
	for _, h := range c.Host {
		name, dir, ok := strings.Cut(h, "=")
		if !ok {
			return fmt.Errorf("host %q: want NAME=/DIR", h)
		}
		s.Hosts[name] = append(s.Hosts[name], dir)
	}
	var names []string
	for _, at := range c.Server {
		host, _, err := net.SplitHostPort(at)
		if err != nil {
			return err
		}
		names = append(names, host)
		s.Servers = append(s.Servers, (&url.URL{Scheme: "tls", Host: at}).String())
	}
	if (len(c.Server) == 0) == (len(c.Nats) == 0) {
		return errors.New("site: give NATS servers of refmon-index with --server, or existing ones with --nats")
	}
	s.Servers = append(s.Servers, c.Nats...)
	if s.Replicas == 0 && len(s.Servers) >= 3 {
		s.Replicas = 3
	}
	var authority []byte
	if c.NatsCA != "" {
		b, err := os.ReadFile(c.NatsCA)
		if err != nil {
			return err
		}
		authority = b
	}
	made, seeds, err := site.New(s)
	if err != nil {
		return err
	}
	if err := site.Save(c.Folder, made, seeds, names, authority); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s: a site of %d file servers and %d NATS servers\n", c.Folder, len(s.Hosts),
		len(s.Servers))
	return err
}

type brokerCmd struct {
	Site    string   `help:"The folder of the site." required:"" placeholder:"DIR"`
	Name    string   `help:"The server's name in the cluster." required:""`
	Listen  string   `help:"The address for clients." required:"" placeholder:"HOST:PORT"`
	Cluster string   `help:"The address for the other NATS servers." placeholder:"HOST:PORT"`
	Route   []string `help:"The address of another NATS server." placeholder:"HOST:PORT"`
	Store   string   `help:"The folder for messages." required:"" placeholder:"DIR"`
}

// Run runs a NATS server until SIGINT or SIGTERM, which is no error, or until it cannot store messages. If the folder
// has keeper.seed, it also creates the streams.
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
		TLS: secure, Store: c.Store, Log: func(line string) { fmt.Fprintf(std.err, "refmon-index: %s\n", line) }})
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
	if err := stages.Prepare(ctx, k); err == nil {
		fmt.Fprintf(std.err, "refmon-index: the streams are ready\n")
	} else if ctx.Err() == nil {
		return err
	}
	return <-full
}

type streamsCmd struct {
	Site string `help:"The folder of the site, with keeper.seed." required:"" placeholder:"DIR"`
}

// Help returns the long text of --help for the command streams.
func (streamsCmd) Help() string {
	return "Run it once for existing NATS servers, after you include the site's nats.conf in their configuration.\n" +
		"NATS servers of refmon-index broker create their streams themselves."
}

// Run creates the streams on the site's NATS servers, or updates them. It waits until the servers accept that, or
// until SIGINT or SIGTERM.
func (c *streamsCmd) Run(std *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	k, err := dial(std, c.Site, site.Keeper)
	if err != nil {
		return err
	}
	defer k.Close()
	if err := stages.Prepare(ctx, k); err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, "the streams are ready")
	return err
}

// member has the flags of roles that connect to a site's NATS servers.
type member struct {
	Site string        `help:"The folder of the site." required:"" placeholder:"DIR"`
	Beat time.Duration `help:"The interval of heartbeats and of polling." default:"1s"`
}

// run connects as a role of the site, calls stage with the connection, and closes it. SIGINT and SIGTERM end the
// context of stage. It returns the error of the connection or of stage.
func (m *member) run(std *streams, r site.Role, stage func(context.Context, *stages.Conn) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, err := dial(std, m.Site, r)
	if err != nil {
		return err
	}
	defer c.Close()
	return stage(ctx, c)
}

// dial connects as a role of the site in the folder dir. The error is [os.ErrNotExist] if the folder has no seed of
// the role. The caller closes the connection.
func dial(std *streams, dir string, r site.Role) (*stages.Conn, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	seed, err := site.Seed(dir, r)
	if err != nil {
		return nil, err
	}
	o := stages.Options{Warn: std.warn}
	if !s.Plain() {
		if o.TLS, err = site.ClientTLS(dir); err != nil {
			return nil, err
		}
	}
	return stages.Dial(s, r, seed, o)
}

// warn prints a transient error.
func (s *streams) warn(err error) { fmt.Fprintf(s.err, "refmon-index: %v\n", err) }

type watchCmd struct {
	Host     string        `help:"This file server's name in the site." required:""`
	Watch    string        `help:"Read the trees through this watch socket of refmond." placeholder:"SOCKET"`
	NoEvents bool          `help:"Use walks only, for file systems that do not report changes."`
	Every    time.Duration `help:"The interval of full walks (default an hour)." placeholder:"TIME"`
	member   `embed:""`
}

// Run watches the trees of a host and publishes their files until SIGINT or SIGTERM.
func (c *watchCmd) Run(std *streams) error {
	o := stages.WatchConfig{Host: c.Host, NoEvents: c.NoEvents, Every: c.Every, Beat: c.Beat}
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

// Run publishes the directory until SIGINT or SIGTERM.
func (c *directoryCmd) Run(std *streams) error {
	roster, done, err := c.open()
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

// Run computes rows and members of classes until SIGINT or SIGTERM.
func (c *workCmd) Run(std *streams) error {
	return c.run(std, site.Work, func(ctx context.Context, x *stages.Conn) error {
		return stages.Work(ctx, x, stages.WorkConfig{Name: c.Name, Beat: c.Beat, Compact: c.Compact})
	})
}

type followCmd struct {
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

// Run stores the results of all workers in a folder and the selected outputs, or in a database alone, until SIGINT or
// SIGTERM. It returns an error at once without --state unless --postgres is the only output.
func (c *followCmd) Run(std *streams) error {
	if c.State == "" && (c.Postgres == "" || c.Bulk != "") {
		return errors.New("follow: give --state DIR, or --postgres DSN without --bulk")
	}
	return c.run(std, site.Follow, func(ctx context.Context, x *stages.Conn) error {
		start := time.Now()
		o := stages.FollowConfig{State: c.State, Beat: c.Beat, Compact: c.Compact, Ready: func() {
			fmt.Fprintf(std.err, "refmon-index: all is known, after %s\n", time.Since(start).Round(time.Millisecond))
		}}
		if c.State == "" {
			s, err := postgres.OpenStore(ctx, c.Postgres, c.Limit)
			if err != nil {
				return err
			}
			s.Warn, o.Rows = std.warn, s
			return stages.Follow(ctx, x, o)
		}
		var err error
		if o.Sinks, err = c.open(ctx, c.State, std.warn); err != nil {
			return err
		}
		return stages.Follow(ctx, x, o)
	})
}

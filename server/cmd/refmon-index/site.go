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
	"github.com/refmon/refmon/server/index/broker"
	"github.com/refmon/refmon/server/index/feed"
	"github.com/refmon/refmon/server/index/site"
	"github.com/refmon/refmon/server/index/stages"
)

type siteCmd struct {
	Folder   string   `arg:"" help:"The folder that is made."`
	Host     []string `help:"A file server and one of its trees: NAME=/DIR." required:"" placeholder:"NAME=DIR" sep:"none"`
	Server   []string `help:"Where a message server listens that is run by the verb broker." placeholder:"HOST:PORT"`
	Nats     []string `help:"A NATS server that is there: tls://HOST:PORT." placeholder:"URL"`
	NatsCA   string   `help:"The authority of its certificate, if not the host's." placeholder:"FILE" name:"nats-ca"`
	Right    string   `help:"The rights that are kept, joined by +." default:"read" short:"w"`
	Share    string   `help:"The share's own descriptor: what it does not grant is denied." placeholder:"SDDL"`
	Traverse string   `help:"How folders on the way are tested: never, privilege or always." default:"never"`
	Parts    int      `help:"In how many parts a tree and the classes are cut." default:"4"`
	Replicas int      `help:"How many servers keep each message (default: 3 of three or more)." placeholder:"N"`
}

// Help returns the long help of the verb.
func (siteCmd) Help() string {
	return `Makes what the machines of an index share: site.json, an authority and a certificate for its message
servers, and a key for each role. Copy to each machine site.json, ca.pem and the seeds of its own roles:
watch-NAME.seed to the file server NAME, directory.seed, work.seed and follow.seed to those that run these
verbs, and server.pem, server-key.pem and keeper.seed to the message servers.

NATS servers that are there already take part with --nats in the place of --server: nats.conf is an account for them,
which their configuration includes; the verb streams then makes the streams.`
}

// Run makes the folder.
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
		return errors.New("site: name message servers by --server, or those of others by --nats")
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
	_, err = fmt.Fprintf(std.out, "%s: a site of %d file servers and %d message servers\n", c.Folder, len(s.Hosts),
		len(s.Servers))
	return err
}

type brokerCmd struct {
	Site    string   `help:"The folder of the site." required:"" placeholder:"DIR"`
	Name    string   `help:"Its name among the message servers." required:""`
	Listen  string   `help:"Where roles reach it." required:"" placeholder:"HOST:PORT"`
	Cluster string   `help:"Where the other message servers reach it." placeholder:"HOST:PORT"`
	Route   []string `help:"Where it reaches another one." placeholder:"HOST:PORT"`
	Store   string   `help:"The folder of its messages." required:"" placeholder:"DIR"`
}

// Run runs a message server.
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
	if errors.Is(err, os.ErrNotExist) { // it has no keeper.seed: another server makes the streams
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

// Help returns the long help of the verb.
func (streamsCmd) Help() string {
	return "For NATS servers of others: include nats.conf of the site in their configuration first. Message servers\n" +
		"of the verb broker make their streams themselves."
}

// Run makes the streams, or brings them to what the site says.
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

// member are the flags of roles that reach a site's message servers.
type member struct {
	Site string        `help:"The folder of the site." required:"" placeholder:"DIR"`
	Beat time.Duration `help:"How often it vouches, and looks where it was not woken." default:"1s"`
}

// run connects as a role and runs a stage until it is told to end.
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

// dial connects as a role of the site in a folder.
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

// warn prints what may pass.
func (s *streams) warn(err error) { fmt.Fprintf(s.err, "refmon-index: %v\n", err) }

type watchCmd struct {
	Host     string        `help:"This file server's name in the site." required:""`
	Watch    string        `help:"refmond's socket for watchers: it looks at the trees." placeholder:"SOCKET"`
	NoEvents bool          `help:"Walk only: for file systems whose changes cannot be heard."`
	Every    time.Duration `help:"How often all files are looked at (default an hour)." placeholder:"TIME"`
	member   `embed:""`
}

// Run watches the trees of a host.
func (c *watchCmd) Run(std *streams) error {
	o := stages.WatchConfig{Host: c.Host, NoEvents: c.NoEvents, Every: c.Every, Beat: c.Beat}
	return c.run(std, site.Watch(c.Host), func(ctx context.Context, x *stages.Conn) error {
		if c.Watch != "" {
			o.From = func(tree string) index.Source {
				return &feed.Follower{Socket: c.Watch, Root: tree, Share: x.Site().Share, Traverse: x.Site().Traverse,
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

// Run tells who the people are.
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
	Name    string `help:"Its name among the workers: letters, digits and -." required:""`
	Compact int64  `help:"The log of a share is put together from so many bytes on (default 64 MiB)." placeholder:"BYTES"`
	member  `embed:""`
}

// Run decides.
func (c *workCmd) Run(std *streams) error {
	return c.run(std, site.Work, func(ctx context.Context, x *stages.Conn) error {
		return stages.Work(ctx, x, stages.WorkConfig{Name: c.Name, Beat: c.Beat, Compact: c.Compact})
	})
}

type followCmd struct {
	State   string `help:"The folder of the index, made if it is not there." required:"" placeholder:"DIR"`
	Compact int64  `help:"The folder's log is put together from so many bytes on (default 64 MiB)." placeholder:"BYTES"`
	outputs `embed:""`
	member  `embed:""`
}

// Run keeps what was decided.
func (c *followCmd) Run(std *streams) error {
	return c.run(std, site.Follow, func(ctx context.Context, x *stages.Conn) error {
		sinks, err := c.open(ctx, c.State)
		if err != nil {
			return err
		}
		start := time.Now()
		o := stages.FollowConfig{State: c.State, Sinks: sinks, Beat: c.Beat, Compact: c.Compact, Ready: func() {
			fmt.Fprintf(std.err, "refmon-index: all is known, after %s\n", time.Since(start).Round(time.Millisecond))
		}}
		return stages.Follow(ctx, x, o)
	})
}

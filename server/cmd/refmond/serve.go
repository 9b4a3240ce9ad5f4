package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/verbs/trail"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/mount"
)

type serveCmd struct {
	Config string `help:"The configuration; 'refmond config print' shows every key." placeholder:"FILE"`
}

// Help returns the long help of the verb.
func (serveCmd) Help() string {
	return `Listens for programs and plays the kernel for them, until SIGTERM or SIGINT: calls that were received are
answered first. SIGHUP reads the configuration again. Errors end it with code 2 before it says that it is ready.`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(std *streams) error {
	cfg, err := load(c.Config)
	if err != nil {
		return err
	}
	if cfg.inherited, err = inherited(); err != nil {
		return err
	}
	for _, l := range cfg.inherited {
		if at := l.Addr().String(); at != cfg.Socket && at != cfg.AdminSocket {
			return fmt.Errorf("the service manager passes the socket %s, the configuration has %s and %s", at, cfg.Socket,
				cfg.AdminSocket)
		}
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	defer signal.Stop(signals)
	s, err := start(cfg, std)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	notify("READY=1")
	s.log.Info("ready", "socket", cfg.Socket, "state", cfg.State)
	for {
		select {
		case err = <-served:
			return errors.Join(err, s.stop())
		case sig := <-signals:
			if sig != unix.SIGHUP {
				notify("STOPPING=1")
				s.log.Info("stopping", "signal", sig.String())
				return errors.Join(s.stop(), <-served)
			}
			s.reload(c.Config)
		}
	}
}

// service is a daemon with what this command puts around it.
type service struct {
	*daemon.Daemon
	log   *slog.Logger
	level *slog.LevelVar
	trail *auditlog.Log // nil: none is kept
	store *lsa.Store

	tickets taking
	domains directoryLogons // set by start
	closing sync.WaitGroup  // directories that a reload took out of use
	numbers numbers
	trees   []servedTree

	mounts     []*mount.Mount
	operations *operations // nil: it could not be had
	watching   *watching   // nil: no one may watch trees
}

// start starts what a configuration describes; on an error nothing is left.
func start(cfg *config, std *streams) (*service, error) {
	s := &service{level: new(slog.LevelVar), tickets: taking{state: cfg.State}}
	s.level.Set(cfg.level)
	s.log = slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: s.level}))
	lock, err := daemon.LockState(cfg.State)
	if err != nil {
		return nil, err
	}
	log, err := s.keep(cfg)
	if err == nil {
		err = s.accounts(cfg, log)
	}
	if err == nil {
		var swap func()
		if swap, err = s.take(cfg); err == nil {
			swap()
		}
	}
	if err == nil {
		s.answers()
		var swap func()
		if swap, _, err = s.direct(cfg); err == nil {
			swap()
		}
	}
	if err == nil {
		err = s.openTrees(cfg, log)
	}
	if err != nil {
		return nil, errors.Join(err, s.kept(), lock.Close())
	}
	s.noCores()
	daemon.Spare()
	s.Daemon, err = daemon.Start(daemon.Config{Lock: lock, Inherited: cfg.inherited, Socket: cfg.Socket,
		AdminSocket: cfg.AdminSocket, Identity: cfg.identity(s.store), Administer: s.administer(cfg),
		Quota: s.store.QuotaUID, StartAs: cfg.startsAs(s.store), LSA: &s.domains, Limits: cfg.limits,
		Profile: cfg.profile, Audit: log, Log: s.log})
	if err != nil {
		return nil, errors.Join(err, s.kept())
	}
	for name, d := range cfg.files {
		if err := s.System().CreateFile(name, d); err != nil {
			return nil, errors.Join(fmt.Errorf("files: %w", err), s.stop())
		}
	}
	if err := s.addTrees(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if err := s.mountTrees(cfg); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if err := s.watch(cfg); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	// Without it the daemon serves its clients all the same.
	if s.operations, err = operate(cfg.State, s.Stats, s.log); err != nil {
		s.log.Warn("metrics and profiles are not told", "error", err)
	}
	return s, nil
}

// keep opens the trail below the state folder.
func (s *service) keep(cfg *config) (*audit.Log, error) {
	if !cfg.Audit.Keep {
		return &audit.Log{Sink: audit.NewMemory(0, 0), Clock: auditlog.Now}, nil
	}
	dir := filepath.Join(cfg.State, "audit")
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if s.trail, err = auditlog.Open(auditlog.Config{Dir: dir, Computer: host}); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	p, err := policy(dir, cfg.Audit.Required)
	if err != nil {
		return nil, err
	}
	log := &audit.Log{Sink: s.trail, Computer: host, Clock: auditlog.Now}
	log.Policy.Store(p)
	return log, nil
}

// policy reads the audit policy beside the trail. Without one, logons, their ends and
// the use of sensitive privileges are recorded beside what is by default.
func policy(dir string, required bool) (*audit.Policy, error) {
	p, err := trail.LoadPolicy(dir)
	if err != nil {
		return nil, err
	}
	spec := audit.DefaultPolicy().Spec()
	if p != nil {
		spec = p.Spec()
	} else {
		for _, on := range []audit.Subcategory{audit.Logon, audit.Logoff, audit.SpecialLogon, audit.SensitivePrivilegeUse} {
			spec.System[on] = audit.OnBoth
		}
	}
	if required {
		spec.Options.CrashOnAuditFail = audit.FailOnAuditFail
	}
	return audit.NewPolicy(spec)
}

// reload takes over the keys that need no restart. A configuration that is wrong
// changes nothing, and no client is disconnected (W-23).
func (s *service) reload(file string) {
	notify(reloading())
	defer notify("READY=1")
	cfg, err := load(file)
	if err != nil {
		s.log.Error("the configuration is wrong, the old one stands", "error", err)
		return
	}
	ids, err := readNumbers(cfg.IDNumbers)
	if err != nil {
		s.log.Error("the directory file is wrong, the old one stands", "error", err)
		return
	}
	swapDirectory, drop, err := s.direct(cfg)
	if err != nil {
		s.log.Error("what asks the directory is wrong, the old one goes on", "error", err)
		return
	}
	swap, err := s.take(cfg)
	if err != nil {
		drop()
		s.log.Error("what takes tickets is wrong, the old one goes on", "error", err)
		return
	}
	if s.trail != nil {
		p, err := policy(filepath.Join(cfg.State, "audit"), cfg.Audit.Required)
		if err != nil {
			drop()
			s.log.Error("the audit policy is wrong, the old one stands", "error", err)
			return
		}
		s.System().Audit().Policy.Store(p)
	}
	swap()
	swapDirectory()
	s.numbers.now.Store(ids)
	s.SetIdentity(cfg.identity(s.store))
	s.dropTokens()
	s.level.Set(cfg.level)
	s.warn()
	s.log.Log(context.Background(), slog.LevelInfo, "reloaded")
}

// stop ends the daemon, then what it wrote to.
func (s *service) stop() error {
	var err error
	if s.operations != nil {
		err = s.operations.close()
	}
	err = errors.Join(err, s.watching.close(), s.unmount())
	return errors.Join(err, s.Close(), s.kept())
}

// kept closes the trees and the accounts, then the trail that they write to.
func (s *service) kept() (err error) {
	err = s.closeTrees()
	if d := s.domains.now.Load(); d != nil {
		err = errors.Join(err, d.close())
	}
	s.closing.Wait()
	if s.tickets.last != nil {
		err = errors.Join(err, s.tickets.last.Close())
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	if s.trail != nil {
		err = errors.Join(err, s.trail.Close())
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/server/auth/confined"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/internal/lograte"
	"github.com/refmon/refmon/server/internal/nocores"
	"github.com/refmon/refmon/server/internal/sdnotify"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/mount"
)

type serveCmd struct {
	Config string `help:"${config}" placeholder:"FILE"`
}

// Help returns the long text of --help for the command serve.
func (serveCmd) Help() string {
	return `Serves the kernel's system calls until SIGTERM or SIGINT. It then answers the calls that it has
received. SIGHUP reloads the configuration. If it cannot start, it prints the error and exits with 2. Otherwise it
prints a line with "ready".

  refmond config print > refmond.yaml
  refmond serve --config refmond.yaml`
}

// Run starts the daemon and serves until SIGTERM or SIGINT. SIGHUP reloads the configuration; a wrong one changes
// nothing. A daemon that cannot start is an error. Passed sockets must be those of the configuration. It stops the
// services even after an error of serving.
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
	// Package signal drops a signal if its channel is full. Two channels, so that reloads cannot displace SIGTERM.
	ends, reloads := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGTERM, unix.SIGINT)
	signal.Notify(reloads, unix.SIGHUP)
	defer signal.Stop(ends)
	defer signal.Stop(reloads)
	s, err := start(cfg, std)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	sdnotify.Send(sdnotify.Ready)
	s.log.Info("ready", "socket", cfg.Socket, "state", cfg.State)
	for {
		select {
		case err = <-served:
			return errors.Join(err, s.stop())
		case sig := <-ends:
			sdnotify.Send(sdnotify.Stopping)
			s.log.Info("stopping", "signal", sig.String())
			return errors.Join(s.stop(), <-served)
		case <-reloads:
			s.reload(c.Config)
		}
	}
}

// service is a running daemon with its accounts, trees, mounts and logs: everything that refmond serve starts.
type service struct {
	*daemon.Daemon
	begun settings // immutable: the settings at the start
	log   *slog.Logger
	level *slog.LevelVar
	trail *auditlog.Log // nil: no audit log is kept
	store *lsa.Store

	tickets ticketAcceptor
	// messages is the child process that splits the directory's messages. It is separate from the parser of tickets, so
	// a malicious ticket cannot take it over (D-39).
	messages confined.Parser
	domains  directoryLogons // set by start
	// stopping is done when refmond stops, and endLogons ends it, so that no logon waits for a domain controller.
	stopping  context.Context
	endLogons context.CancelFunc
	closing   sync.WaitGroup // directories that a reload has replaced
	numbers   numbers
	trees     []servedTree

	mountsMu sync.Mutex
	// +checklocks:mountsMu
	mounts []*mount.Mount // guarded by mountsMu
	// +checklocks:mountsMu
	mounted    []string                 // guarded by mountsMu; tree name of each mount, with " (backup)" if for backup
	operations *operations              // nil: it could not be started
	watching   atomic.Pointer[watching] // nil: no socket for watchers
}

// start starts everything that a configuration describes. After an error nothing is left running. It locks the state
// directory and checks who can change the files first. Metrics and profiles that fail to start are only logged.
func start(cfg *config, std *streams) (*service, error) {
	s := &service{begun: cfg.settings, level: new(slog.LevelVar), tickets: ticketAcceptor{state: cfg.State}}
	s.level.Set(cfg.level)
	// Bound the log lines that one client causes (L-75).
	s.log = slog.New(lograte.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: s.level})))
	nocores.Set(s.log)
	lock, err := daemon.LockState(cfg.State)
	if err != nil {
		return nil, err
	}
	// A file that others can change cannot be trusted (L-76).
	if err := cfg.checkTrusted(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	log, err := s.openStores(cfg)
	if err == nil {
		var swap func()
		if swap, err = s.prepareTickets(cfg); err == nil {
			swap()
		}
	}
	if err == nil {
		s.setAuthorities()
		var swap func()
		if swap, _, err = s.prepareDirectory(cfg); err == nil {
			swap()
		}
	}
	if err == nil {
		err = s.openTrees(cfg, log)
	}
	if err != nil {
		return nil, errors.Join(err, s.closeStores(), lock.Close())
	}
	daemon.Spare()
	s.Daemon, err = daemon.Start(daemon.Config{Lock: lock, Inherited: cfg.inherited, Socket: cfg.Socket,
		AdminSocket: cfg.AdminSocket, Identity: cfg.identity(s.store), Administer: s.administer(cfg), LSA: &s.domains,
		Quota: s.store.QuotaUID, StartAs: cfg.startsAs(s.store), Revoke: s.revokeRest, KernelName: cfg.kernelName,
		Accounts: s.accountsNamed, Limits: cfg.limits, Profile: cfg.profile, Audit: log,
		ConnectionRecords: cfg.Audit.Connections, Log: s.log})
	if err != nil {
		return nil, errors.Join(err, s.closeStores())
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
	// The daemon also works without the socket for metrics and profiles.
	if s.operations, err = s.operate(cfg.State); err != nil {
		s.log.Warn("metrics and profiles are not available", "error", err)
	}
	return s, nil
}

// reload reads the configuration again and applies the keys that need no restart. reload logs errors and returns none.
// A wrong configuration changes nothing, and clients stay connected (W-23). reload drops cached tokens. Sockets, limits
// and trees do not change; reload logs the names of such keys if the file has other values for them.
func (s *service) reload(file string) {
	sdnotify.Send(sdnotify.Reloading())
	defer sdnotify.Send(sdnotify.Ready)
	cfg, err := load(file)
	if err != nil {
		s.log.Error("the configuration is invalid, the old one stays in use", "error", err)
		return
	}
	if err := cfg.checkTrusted(); err != nil {
		s.log.Error("other users can read or change files of the configuration, the old one stays in use", "error", err)
		return
	}
	ids, err := readNumbers(cfg.IDNumbers)
	if err != nil {
		s.log.Error("the directory file is invalid, the old one stays in use", "error", err)
		return
	}
	swapDirectory, drop, err := s.prepareDirectory(cfg)
	if err != nil {
		s.log.Error("the directory settings are invalid, the old ones stay in use", "error", err)
		return
	}
	swap, err := s.prepareTickets(cfg)
	if err != nil {
		drop()
		s.log.Error("the Kerberos settings are invalid, the old ones stay in use", "error", err)
		return
	}
	if s.trail != nil {
		p, err := policy(filepath.Join(s.begun.State, "audit"), &cfg.Audit) // the log stays there until a restart
		if err != nil {
			drop()
			s.log.Error("the audit policy is invalid, the old one stays in use", "error", err)
			return
		}
		if err := s.changePolicy(p); err != nil {
			drop()
			s.log.Error("the change of the audit policy cannot be recorded, the old configuration stays in use", "error", err)
			return
		}
	}
	swap()
	swapDirectory()
	s.numbers.now.Store(ids)
	s.SetIdentity(cfg.identity(s.store))
	s.dropTokens()
	s.level.Set(cfg.level)
	s.warn()
	if keys := restartKeys(s.begun, cfg.settings); len(keys) > 0 {
		s.log.Warn("a reload does not apply these keys: restart refmond", "keys", strings.Join(keys, ", "))
	}
	s.log.Log(context.Background(), slog.LevelInfo, "reloaded")
}

// restartKeys returns the top-level keys that a reload does not apply and whose values differ between two
// configurations, in the order of the settings.
func restartKeys(begun, now settings) (keys []string) {
	for _, c := range []*settings{&begun, &now} { // clear the settings that a reload applies
		c.Administrators, c.Privileges, c.Kerberos, c.Directory, c.IDNumbers = nil, nil, tickets{}, directory{}, ""
		c.Audit.Required, c.Audit.Policy, c.Log.Level = false, nil, ""
	}
	a, b := reflect.ValueOf(begun), reflect.ValueOf(now)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, a.Type().Field(i).Tag.Get("json"))
		}
	}
	return keys
}

// stop stops the daemon, then closes its stores. It returns all errors, joined, and closes the rest all the same.
func (s *service) stop() error {
	s.endLogons()
	s.store.EndLogons()
	var err error
	if s.operations != nil {
		err = s.operations.close()
	}
	err = errors.Join(err, s.watching.Load().close(), s.unmount())
	return errors.Join(err, s.Close(), s.closeStores())
}

// openStores opens the audit log and the accounts. After an error the caller calls closeStores.
func (s *service) openStores(cfg *config) (*audit.Log, error) {
	lost := lostAccounts(cfg.State) // before the audit log is created
	log, err := s.openAudit(cfg)
	if err == nil {
		err = s.accounts(cfg, log, lost)
	}
	return log, err
}

// closeStores closes the trees and the accounts, and last the audit log that they write to. Those that are not open
// are skipped. It waits for configurations that are still in use.
func (s *service) closeStores() (err error) {
	err = s.closeTrees()
	if d := s.domains.now.Swap(nil); d != nil {
		err = errors.Join(err, d.close())
	}
	s.closing.Wait()
	if s.tickets.last != nil {
		err = errors.Join(err, s.tickets.last.Close())
	}
	err = errors.Join(err, s.tickets.parser.Close(), s.messages.Close())
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	if s.trail != nil {
		err = errors.Join(err, s.trail.Close())
	}
	return err
}

package main

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/cli/trail"
)

// trail opens the log of --audit and stores it in cfg with its policy and a clock. end closes it. Without --audit it
// changes nothing. end is nil after an error.
func (c *runCmd) trail(cfg *script.Config) (end func() error, err error) {
	if c.Audit == "" {
		return func() error { return nil }, nil
	}
	lc, err := logConfig(c.Audit, c.AuditKey)
	if err != nil {
		return nil, err
	}
	if cfg.Policy, err = trail.LoadPolicy(c.Audit); err != nil {
		return nil, err
	}
	l, err := auditlog.Open(lc)
	if err != nil {
		return nil, err
	}
	cfg.Audit, cfg.Clock = l, auditlog.Now
	return l.Close, nil
}

// logConfig returns the configuration of a log. The key is in the given file. If none is given, Signers stays nil, and
// the log uses the key in its folder.
func logConfig(dir, key string) (auditlog.Config, error) {
	lc := auditlog.Config{Dir: dir, Computer: "refmon"}
	if key != "" {
		s, err := auditlog.LoadKey(key)
		if err != nil {
			return lc, err
		}
		lc.Signers = []note.Signer{s}
	}
	return lc, nil
}

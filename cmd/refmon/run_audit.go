package main

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/internal/verbs/trail"
)

// trail opens the log that a program's records go to; end closes it.
func (c *runCmd) trail(cfg *script.Config) (end func() error, err error) {
	if c.Audit == "" {
		return func() error { return nil }, nil
	}
	lc := auditlog.Config{Dir: c.Audit, Computer: "refmon"}
	if c.AuditKey != "" {
		s, err := auditlog.LoadKey(c.AuditKey)
		if err != nil {
			return nil, err
		}
		lc.Signers = []note.Signer{s}
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

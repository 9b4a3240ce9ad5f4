package main

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// reportEvery is the interval of log lines about an audit log that fails.
const reportEvery = time.Minute

// afterStop says what to do with a log that has stopped at audit.size. No call clears a log of refmond.
const afterStop = "raise audit.size, or set audit.overwrite to archive or needed, then restart refmond"

// trailSink is the audit log as the kernel's sink. It logs when records cannot be written, and when they can be again.
type trailSink struct {
	*auditlog.Log
	log *slog.Logger

	mu sync.Mutex
	// +checklocks:mu
	failing bool // guarded by mu: the newest line says that records cannot be written
	// +checklocks:mu
	said time.Time // guarded by mu: when the newest such line was logged
}

// Write writes a record to the audit log and returns its error, which it also reports. It implements audit.Sink.
func (s *trailSink) Write(e audit.Event) error { return s.report(s.Log.Write(e), e) }

// WriteAll writes records to the audit log and returns the error, which it also reports. It implements
// audit.BatchSink.
func (s *trailSink) WriteAll(events []audit.Event) error {
	return s.report(s.Log.WriteAll(events), events...)
}

// report tells the operator about a broken audit log: it logs a failure of these records at most once a minute, and
// then the first success. It returns err unchanged.
func (s *trailSink) report(err error, events ...audit.Event) error {
	s.mu.Lock()
	now := time.Now()
	say := err != nil && (s.said.IsZero() || now.Sub(s.said) >= reportEvery)
	// A log without space still stores essential records, so their success does not show that there is space again.
	again := err == nil && s.failing && slices.ContainsFunc(events, func(e audit.Event) bool { return !e.Essential() })
	if say {
		s.said = now
	}
	s.failing = say || s.failing && !again
	s.mu.Unlock()
	switch {
	case say && errors.Is(err, auditlog.ErrStopped):
		s.log.Error("cannot write an audit record: "+afterStop, "error", err)
	case say:
		s.log.Error("cannot write an audit record: free space on the disk, or run refmond doctor", "error", err)
	case again:
		s.log.Info("audit records are written again")
	}
	return err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// auditSettings has the configuration keys below audit.
type auditSettings struct {
	Keep        bool              `json:"keep"`
	Required    bool              `json:"required"`
	Policy      map[string]string `json:"policy"`
	Size        int64             `json:"size"`
	Age         int64             `json:"age"`
	Overwrite   string            `json:"overwrite"`
	Reserve     int64             `json:"reserve"`
	Connections int               `json:"connections"`
	Denials     bool              `json:"denials"`
}

// outcomes maps the values of audit.policy.
var outcomes = map[string]audit.Setting{"none": 0, "success": audit.OnSuccess, "failure": audit.OnFailure,
	"both": audit.OnBoth}

// fulls maps the values of audit.overwrite.
var fulls = map[string]auditlog.Full{"needed": auditlog.Overwrite, "archive": auditlog.Archive, "never": auditlog.Stop}

// check returns an error that names the first wrong setting: an unknown word, a negative or too large number, or a size
// that the reserve fills. connections must be at least 1, and policy needs keep.
func (a *auditSettings) check() error {
	if _, ok := fulls[a.Overwrite]; !ok {
		return fmt.Errorf("audit.overwrite: %q, want needed, archive or never", a.Overwrite)
	}
	const most = 1 << 40 // so that the conversion to bytes cannot overflow
	if a.Size < 0 || a.Age < 0 || a.Reserve < 0 || a.Size > most || a.Age > 36500 || a.Reserve > most {
		return fmt.Errorf("audit: size and reserve must be from 0 to %d (MiB), and age from 0 to 36500 (days)",
			int64(most))
	}
	if a.Connections < 1 {
		return errors.New("audit.connections must be at least 1")
	}
	if a.Size > 0 && a.Size <= a.Reserve {
		return errors.New("audit.size must be more than audit.reserve")
	}
	if !a.Keep && len(a.Policy) > 0 {
		return errors.New("audit.policy needs audit.keep: without it no records are kept")
	}
	_, err := a.changes()
	return err
}

// changes returns the settings of audit.policy by subcategory. An unknown subcategory, an unknown word and a
// subcategory that two keys name are errors.
func (a *auditSettings) changes() (map[audit.Subcategory]audit.Setting, error) {
	out := map[audit.Subcategory]audit.Setting{}
	for _, name := range slices.Sorted(maps.Keys(a.Policy)) {
		s, err := audit.ParseSubcategory(name)
		if err != nil {
			return nil, fmt.Errorf("audit.policy: %w", err)
		}
		setting, ok := outcomes[a.Policy[name]]
		if !ok {
			return nil, fmt.Errorf("audit.policy: %s: %q, want none, success, failure or both", name, a.Policy[name])
		}
		if _, twice := out[s]; twice {
			return nil, fmt.Errorf("audit.policy: %s: another key names this subcategory, too", name)
		}
		out[s] = setting
	}
	return out, nil
}

// openAudit opens the audit log in the state folder. Without audit.keep it returns a log in memory. After an error the
// caller closes s.trail, which may be open. A policy that cannot be read is an error.
func (s *service) openAudit(cfg *config) (*audit.Log, error) {
	a := &cfg.Audit
	if !a.Keep {
		return &audit.Log{Sink: audit.NewMemory(0, 0), Clock: auditlog.Now}, nil
	}
	dir := filepath.Join(cfg.State, "audit")
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if s.trail, err = auditlog.Open(a.config(dir, host)); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	p, err := policy(dir, a)
	if err != nil {
		return nil, err
	}
	log := &audit.Log{Sink: &trailSink{Log: s.trail, log: s.log}, Computer: host, Clock: auditlog.Now}
	log.Policy.Store(p)
	return log, nil
}

// config returns the configuration of the audit log in the folder dir of a computer.
func (a *auditSettings) config(dir, computer string) auditlog.Config {
	c := auditlog.Config{Dir: dir, Computer: computer, Reserve: a.Reserve << 20, Keep: auditlog.Keep{
		Bytes: a.Size << 20, Age: time.Duration(a.Age) * 24 * time.Hour, Full: fulls[a.Overwrite]}}
	if c.Keep.Bytes > 0 {
		// Segments are deleted as a whole, so eight of them share the size.
		c.SegmentBytes = min(max(c.Keep.Bytes/8, 1<<20), 64<<20)
	}
	return c
}

// policy returns the audit policy: that of the log's folder dir, with the configuration's changes. Without a policy
// file, the default policy applies, and also records logons, logoffs, special logons, and the use of sensitive
// privileges. Changes that check rejects and an unreadable policy file are errors.
func policy(dir string, a *auditSettings) (*audit.Policy, error) {
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
	changes, err := a.changes()
	if err != nil {
		return nil, err
	}
	maps.Copy(spec.System, changes)
	if a.Required {
		spec.Options.CrashOnAuditFail = audit.FailOnAuditFail
	}
	return audit.NewPolicy(spec)
}

// changePolicy puts an audit policy in force and records the changes as those of SYSTEM. After an error the policy is
// unchanged.
func (s *service) changePolicy(next *audit.Policy) error {
	spec := token.LocalSystem()
	spec.EnabledPrivileges |= winnt.SeSecurityPrivilege.Bit()
	system, err := token.New(spec)
	if err != nil {
		return err
	}
	from := audit.Origin{Subject: access.SubjectOf(system), ProcessID: uint64(os.Getpid()), ProcessName: "refmond"}
	if st := s.System().Audit().ChangePolicy(from, next); st != ntstatus.Success {
		return st.Err() // a reload changes the policy only if the change is recorded (U-85)
	}
	return nil
}

// trailState is the state of the audit log as the operations socket returns it.
type trailState struct {
	auditlog.State
	Failed, Ended string // errors as text
}

// stateOf returns the state of an audit log, with its errors as text for JSON. With an error the state is still
// filled as far as known.
func stateOf(l *auditlog.Log) (trailState, error) {
	s, err := l.State()
	out := trailState{State: s}
	if s.Failed != nil {
		out.Failed = s.Failed.Error()
	}
	if s.Ended != nil {
		out.Ended = s.Ended.Error()
	}
	out.State.Failed, out.State.Ended = nil, nil
	return out, err
}

// writeTrail writes the metrics of the audit log in the text format of Prometheus. It ignores errors of w.
func writeTrail(w io.Writer, s *trailState) {
	free := metric{"refmond_audit_free_bytes", "gauge", "Bytes that the trail's disk has left.", float64(s.Free)}
	if s.Free >= 0 {
		free.write(w)
	}
	for _, x := range []metric{
		{"refmond_audit_records_total", "counter", "Audit records that are durable.", float64(s.Records)},
		{"refmond_audit_lost_total", "counter", "Audit records that were not kept.", float64(s.Lost)},
		{"refmond_audit_bytes", "gauge", "Bytes of the trail.", float64(s.Bytes)},
		{"refmond_audit_oldest_seconds", "gauge", "When the oldest record was written.", float64(s.Since.Unix())},
		{"refmond_audit_reserve_bytes", "gauge", "Bytes set aside for essential records.", float64(s.Reserved)},
		{"refmond_audit_ended", "gauge", "1 if the trail takes no more records.", float64(min(len(s.Ended), 1))},
	} {
		x.write(w)
	}
}

// trail checks the running daemon's audit log and reports its state:
//
//   - an ended log, one that stopped at its size, or a reserve that failed to grow: wrong, with advice
//   - lost or left-out records, or a file system without preallocation: a note
//   - no answer from the daemon, or audit.keep not set: a note
//   - a healthy log: well
func (c *checkUp) trail(cfg *config) {
	if !cfg.Audit.Keep {
		c.note("audit", "no records are kept (audit.keep)")
		return
	}
	s, err := fetchTrail(filepath.Join(cfg.State, operationsSocket))
	if err != nil {
		c.note("audit", "the audit log's state is unknown, no daemon answers: %v", err)
		return
	}
	c.trailState(&s)
	if s.LeftOut > 0 {
		c.note("audit", "%d records of connections and unchecked logons were left out, beyond audit.connections "+
			"(%d a minute and user)", s.LeftOut, cfg.Audit.Connections)
	}
}

// trailState reports the state of an audit log, without records left out.
func (c *checkUp) trailState(s *trailReport) {
	free := fmt.Sprintf("%d MiB free", s.Free>>20)
	if s.Free < 0 {
		free = "the free space is unknown"
	}
	found := fmt.Sprintf("records %d to %d, since %s; %d KiB; %d of %d KiB in reserve, %s", s.Oldest, s.Records,
		s.Since.UTC().Format(time.RFC3339), s.Bytes>>10, s.Reserved>>10, s.Reserve>>10, free)
	switch {
	case s.Ended != "":
		c.wrong("audit", "%s; %s: put the disk right, then restart refmond", s.Ended, found)
	case strings.Contains(s.Failed, auditlog.ErrStopped.Error()):
		c.wrong("audit", "%s; %s: %s", s.Failed, found, afterStop)
	case s.Reserved < s.Reserve && s.Failed == "":
		c.note("audit", "the file system cannot preallocate, so the log has no reserve; %s", found)
	case s.Reserved < s.Reserve:
		c.wrong("audit", "%s; %s: make room on the disk, the records go on by themselves", s.Failed, found)
	case s.Lost > 0:
		c.note("audit", "%d records were lost, the last at %s: %s; %s", s.Lost, s.FailedAt.UTC().Format(time.RFC3339),
			s.Failed, found)
	case s.Failed != "":
		c.note("audit", "the last failure, at %s: %s; %s", s.FailedAt.UTC().Format(time.RFC3339), s.Failed, found)
	default:
		c.well("audit", "%s", found)
	}
}

// trailReport is the response of the operations socket to GET /audit.
type trailReport struct {
	trailState
	LeftOut uint64 // dropped records of connections and unchecked logons
}

// fetchTrail requests the audit log's state from the daemon at a socket, and waits at most ten seconds. A daemon that
// does not run is an error. A status other than 200 and malformed JSON are errors.
func fetchTrail(socket string) (s trailReport, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial}}
	defer client.CloseIdleConnections()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://refmond/audit", nil)
	if err != nil {
		return s, err
	}
	a, err := client.Do(q)
	if err != nil {
		return s, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return s, fmt.Errorf("refmond answered %s", a.Status)
	}
	err = json.NewDecoder(io.LimitReader(a.Body, 1<<16)).Decode(&s)
	return s, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/cli/trail"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/server/lsa/host"
	"github.com/refmon/refmon/server/mount"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// deniedBy returns the function that a tree's mount calls for each denial. It stores the denial in memory, for refmond
// why.
func (s *service) deniedBy(tree string) func(*mount.Denial) {
	return func(d *mount.Denial) {
		n := daemon.Denial{Time: d.Time, UID: d.UID, Lines: denialLines(tree, d)}
		if t := d.Subject.Effective(); t != nil {
			n.User = t.User().SID
		}
		s.AddDenial(n)
	}
}

// denialLines formats a denial for refmond why: the request with its error, each reason, and how many denials were only
// counted.
func denialLines(tree string, d *mount.Denial) []string {
	first := fmt.Sprintf("mount %s, uid %d: %s %s", tree, d.UID, d.Operation, d.Path)
	if d.Asked != 0 {
		first += " for " + winnt.FileObject.Names(d.Asked)
	}
	lines := []string{first + " -> " + d.Errno.Error()}
	for _, r := range d.Reasons {
		lines = append(lines, "  "+r)
	}
	if d.Suppressed > 0 {
		lines = append(lines, fmt.Sprintf("  %d denials of this user before it were only counted", d.Suppressed))
	}
	return lines
}

// mountTrail is the audit log of the command mount, which runs without a daemon.
type mountTrail struct {
	log      *auditlog.Log
	computer string
	sink     *trailSink
}

// maxMountTrail is the size limit of a mount's trail, in bytes. Beyond it the oldest records are deleted.
const maxMountTrail = 256 << 20

// openMountTrail opens the audit log of a mount in dir, which has a limited size and overwrites its oldest records. It
// returns nil and no error if dir is "". The caller closes it.
func openMountTrail(dir string, log *slog.Logger) (*mountTrail, error) {
	if dir == "" {
		return nil, nil
	}
	computer, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	l, err := auditlog.Open(auditlog.Config{Dir: dir, Computer: computer, SegmentBytes: maxMountTrail / 8,
		Keep: auditlog.Keep{Bytes: maxMountTrail, Full: auditlog.Overwrite}})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &mountTrail{log: l, computer: computer, sink: &trailSink{Log: l, log: log}}, nil
}

// kernelLog returns the kernel's audit log, with the policy in the trail's folder. It returns nil and no error for a
// nil trail, and closes the trail on an error.
func (t *mountTrail) kernelLog(dir string) (*audit.Log, error) {
	if t == nil {
		return nil, nil
	}
	p, err := trail.LoadPolicy(dir)
	if err != nil {
		return nil, errors.Join(err, t.log.Close())
	}
	log := &audit.Log{Sink: t.sink, Computer: t.computer, Clock: auditlog.Now, Names: &hostAccounts{hosts: host.New()}}
	log.Policy.Store(p)
	return log, nil
}

// close closes the trail. It does nothing for nil.
func (t *mountTrail) close() error {
	if t == nil {
		return nil
	}
	return t.log.Close()
}

// record returns the function that writes a mount's denials to the kernel's audit log, as event 4656, with the user's
// account of names. The function skips a denial that no open explains, one that the descriptors do not explain, and one
// that the object's SACL has recorded.
func record(log *audit.Log, names audit.Names) func(*mount.Denial) {
	return func(d *mount.Denial) {
		if d.Open == nil || d.Open.Allowed() {
			return
		}
		o := d.Open
		r := o.Check
		if o.Why != nil && log.Policy.Opens() &&
			log.Policy.Load().Evaluate("File", &r, o.Why.Decision, nil).Failure {
			return
		}
		q := audit.HandleRequest{Outcome: audit.Failure, Access: r.Type.Mapping.Map(r.Desired) &^ winnt.MAXIMUM_ALLOWED,
			Descriptor: r.Descriptor}
		switch {
		case o.Why != nil:
			q.Reasons = audit.Reasons(&r, o.Why)
		case r.Descriptor == nil: // a file without a valid descriptor grants nothing (M-46)
			q.Reasons = []audit.Reason{{Bits: q.Access, Code: audit.ReasonNotGranted}}
		}
		from := audit.Origin{Subject: access.SubjectOf(d.Subject.Effective()), Names: names, ProcessName: "mount"}
		log.WriteLater(audit.HandleRequested(from, audit.Object{Type: "File", Name: d.Path, Directory: o.Directory}, q).
			LeftOut(d.Suppressed))
	}
}

// hostUsers returns the name of a user of the host, or false if it finds none.
type hostUsers interface {
	UserName(ctx context.Context, uid uint32) (string, bool)
}

// hostAccounts names the users of the host in records, and caches the names for a time. It is safe for concurrent use.
type hostAccounts struct {
	hosts hostUsers   // immutable
	store audit.Names // immutable; queried before the host; nil: no store

	mu sync.Mutex
	// +checklocks:mu
	known map[sid.SID]namedUntil // guarded by mu
}

type namedUntil struct {
	name  string
	until time.Time
}

// Limits of the cached names.
const (
	maxHostNames = 1024
	hostNameLife = time.Minute
)

// Account returns the account that the store has for a SID. Else it returns the host's user name for S-1-22-1-uid, from
// a cache or by a lookup of at most three seconds, and false for other SIDs and unknown uids. A failed lookup is cached
// as well. It implements audit.Names.
func (h *hostAccounts) Account(s sid.SID) (name, domain string, ok bool) {
	if h.store != nil {
		if name, domain, ok = h.store.Account(s); ok {
			return name, domain, true
		}
	}
	if s != fileaccess.UnixUser(s.RID()) {
		return "", "", false
	}
	now := time.Now()
	h.mu.Lock()
	n, known := h.known[s]
	h.mu.Unlock()
	if !known || now.After(n.until) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		n.name, _ = h.hosts.UserName(ctx, s.RID())
		cancel()
		n.until = now.Add(hostNameLife)
		h.mu.Lock()
		if h.known == nil || len(h.known) >= maxHostNames {
			h.known = map[sid.SID]namedUntil{}
		}
		h.known[s] = n
		h.mu.Unlock()
	}
	return n.name, "Unix User", n.name != ""
}

// fromTrail prints matching denials of the audit log, the newest last. Without a match it prints a line that says so.
// The path matches any substring of the object name, ignoring case. Since 0 selects all times. A damaged record is an
// error; the records before it are printed.
func (c *whyCmd) fromTrail(std *streams) error {
	f, err := trail.Parse("event=4656 and result=failure")
	if err != nil {
		return err
	}
	r, err := auditlog.NewReader(c.Audit, 0)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // closing a log that was only read loses no data
	since := time.Time{}
	if c.Since > 0 {
		since = time.Now().Add(-c.Since)
	}
	n := 0
	err = trail.Query(r, f, func(e *audit.Event) error {
		name, _ := e.Field("ObjectName")
		if !strings.Contains(strings.ToLower(name), strings.ToLower(c.Path)) || filetime.Time(e.Time).Before(since) {
			return nil
		}
		n++
		_, err := fmt.Fprintln(std.out, trail.Line(e, nil, nil))
		return err
	})
	if err == nil && n == 0 {
		fmt.Fprintln(std.out, "No denial in the audit log matches.")
	}
	return err
}

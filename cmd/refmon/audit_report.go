package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
	"github.com/refmon/refmon/internal/outfile"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// auditStatsCmd holds the arguments and flags of refmon audit stats.
type auditStatsCmd struct {
	Dir string `arg:"" help:"The folder of the log."`
	Top int    `default:"10" help:"Rows of each table." placeholder:"N"`
	filterFlags
}

// Run prints the numbers of records by kind, and the most frequent values up to --top.
func (c *auditStatsCmd) Run(std *streams) error {
	s, err := summary(c.Dir, &c.filterFlags)
	if err != nil {
		return err
	}
	return s.Print(std.folding(), max(c.Top, 0))
}

// summary counts the records of a log that the flags select. An unreadable record ends it: it then returns the counts
// so far with the error.
func summary(dir string, flags *filterFlags) (*trail.Summary, error) {
	f, err := flags.filter()
	if err != nil {
		return nil, err
	}
	r, err := auditlog.NewReader(dir, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only read
	s := &trail.Summary{}
	return s, trail.Query(r, f, s.Add)
}

// auditReportCmd holds the arguments and flags of refmon audit report.
type auditReportCmd struct {
	Dir string `arg:"" help:"The folder of the log."`
	Out string `required:"" short:"o" help:"The page to write." placeholder:"FILE"`
	filterFlags
	trustFlags
}

// Help returns the long text of --help for refmon audit report.
func (auditReportCmd) Help() string {
	return `Writes one HTML page that needs no network and runs no script: denials by user and by object,
privileges, impersonations upward, changes of security and policy, and the result of audit verify.

The exit code is 3 if the log was changed or is damaged: the page then has the records before the first
one that cannot be read. It is 2 if the log's oldest records are missing and no record says that the log
removed them.`
}

// Run writes the report of an audit log as a page and prints the counts. For a log that fails the verification, the
// page shows the fault and the records that can be read, and Run prints the fault and returns errBroken (U-72). If a
// record cannot be read in another log, Run writes nothing and returns the error. If the oldest records are missing
// without a record about that, the page says so and Run returns an error. After another error an existing page stays.
func (c *auditReportCmd) Run(std *streams) error {
	verification, err := c.verification(c.Dir)
	if err != nil {
		return err
	}
	s, unread := summary(c.Dir, &c.filterFlags)
	if s == nil {
		return unread
	}
	r := &trail.Report{Summary: s, Dir: c.Dir}
	v, err := auditlog.Verify(verification)
	var fault *auditlog.Fault
	switch {
	case errors.As(err, &fault): // the page shows the readable records and the fault
		r.Verified = fault.Error()
	case unread != nil:
		return unread
	case err != nil:
		return err
	default:
		r.Verified, r.Intact = trail.Verified(v, len(c.Checkpoint)), !v.Unexplained()
	}
	if err := outfile.Write(c.Out, 0o644, r.Write); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%d records, denials among them: %d: see %s\n", s.Records, s.Failures, c.Out)
	switch {
	case err != nil:
		return err
	case fault == nil && v.Unexplained():
		return unexplained(v)
	case fault == nil:
		return nil
	}
	fmt.Fprintf(std.out, "BROKEN: %s\n", printable(fault.Error()))
	return errBroken
}

// auditPolicyCmd holds the arguments and flags of refmon audit policy.
type auditPolicyCmd struct {
	Dir         string   `arg:"" help:"The folder of the log."`
	Subcategory []string `help:"Change this subcategory, by name or GUID." placeholder:"NAME"`
	Success     string   `enum:",enable,disable" default:"" help:"Record success: enable or disable." placeholder:"WORD"`
	Failure     string   `enum:",enable,disable" default:"" help:"Record failure: enable or disable." placeholder:"WORD"`
	AuditKey    string   `help:"The log's key, if it is not in DIR." placeholder:"FILE"`
}

// Help returns the long text of --help for refmon audit policy.
func (auditPolicyCmd) Help() string {
	return `Shows which outcomes are recorded, as auditpol /get prints it, and changes it:

  refmon audit policy DIR --subcategory "File System" \
    --success enable --failure enable

refmon run --audit DIR starts with this policy; a program's audit_policy() replaces it.`
}

// Run prints the audit policy, or changes subcategories and stores it. A setting without a subcategory, or the reverse,
// is an error. Without flags it prints; a missing folder is then an error. An unknown subcategory is an error, and then
// nothing is stored.
func (c *auditPolicyCmd) Run(std *streams) error {
	p, err := trail.LoadPolicy(c.Dir)
	if err != nil {
		return err
	}
	if c.Success+c.Failure == "" && len(c.Subcategory) == 0 {
		if _, err := os.Stat(c.Dir); err != nil {
			return err
		}
		_, err := std.out.Write(trail.FormatPolicy(p))
		return err
	}
	if c.Success+c.Failure == "" || len(c.Subcategory) == 0 {
		return errors.New("want --subcategory NAME with --success or --failure")
	}
	if p, err = trail.Change(p, c.Subcategory, c.Success, c.Failure); err != nil {
		return err
	}
	return c.store(p)
}

// store records each policy change in the audit log and then writes the policy (U-2). A directory without a
// checkpoint has no log. Without a stored policy, the default is compared. It is an error if another program has the
// log open. If recording fails, the policy stays unchanged, but earlier records stay.
func (c *auditPolicyCmd) store(next *audit.Policy) error {
	before, err := trail.LoadPolicy(c.Dir)
	if err != nil {
		return err
	}
	if before == nil {
		before = audit.DefaultPolicy()
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "checkpoint")); err == nil {
		lc, err := logConfig(c.Dir, c.AuditKey)
		if err != nil {
			return err
		}
		l, err := auditlog.Open(lc)
		if err != nil {
			return fmt.Errorf("record the change: %w", err)
		}
		for _, e := range audit.PolicyChanged(hostUser(), before, next) {
			e.Time, e.Computer = auditlog.Now(), "refmon"
			if err := l.Write(e); err != nil {
				return errors.Join(fmt.Errorf("record the change: %w", err), l.Close())
			}
		}
		if err := l.Close(); err != nil {
			return fmt.Errorf("record the change: %w", err)
		}
	}
	return trail.StorePolicy(c.Dir, next)
}

// hostUser returns the host's user who runs the program, as Samba represents a user without an account. On a system
// without uids that is uid 0.
func hostUser() audit.Origin {
	from := audit.Origin{ProcessID: uint64(os.Getpid()), ProcessName: "refmon"}
	if user, err := sid.Parse(fmt.Sprintf("S-1-22-1-%d", max(os.Getuid(), 0))); err == nil {
		if t, err := token.New(token.Spec{User: token.Group{SID: user}}); err == nil {
			from.Subject.Primary = t
		}
	}
	return from
}

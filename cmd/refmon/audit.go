package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
)

// auditCmd has the commands about an audit log.
type auditCmd struct {
	Tail    auditTailCmd    `cmd:"" help:"Print records as they are written, one readable line each."`
	Query   auditQueryCmd   `cmd:"" help:"Select records and print them as text, JSON, CSV, Windows event XML or OCSF."`
	Decode  auditDecodeCmd  `cmd:"" help:"Print exported Windows events in words, or check them."`
	Verify  auditVerifyCmd  `cmd:"" help:"Verify a log, and report the covered range and the limits of the verification."`
	Stats   auditStatsCmd   `cmd:"" help:"Count records by event, user, object and privilege."`
	Report  auditReportCmd  `cmd:"" help:"Write one HTML page of denials, privileges and changes."`
	Forward auditForwardCmd `cmd:"" help:"Forward records to one live sink, with a durable cursor."`
	Policy  auditPolicyCmd  `cmd:"" help:"Show or change what is recorded, in auditpol's words."`
	Key     auditKeyCmd     `cmd:"" help:"Create the key that signs a log's checkpoints."`
	Prove   auditProveCmd   `cmd:"" help:"Write a proof of a record, or that the log continues an older checkpoint."`
}

// Help returns the long text of --help for refmon audit.
func (auditCmd) Help() string {
	return `Reads a folder that 'refmon run --audit DIR' or a program with package auditlog writes, also while
it is being written:

  refmon run --audit trail examples/audit.star
  refmon audit query trail 'user=alice and result=failure'
  refmon audit verify trail`
}

// errBroken means that a verification found a fault and printed it.
var errBroken = errors.New("the audit log was changed after it was written")

// exitBroken is the exit code after a verification found a broken log and printed the kind of fault and the first bad
// record (U-72).
const exitBroken = 3

// auditTailCmd holds the arguments and flags of refmon audit tail.
type auditTailCmd struct {
	Dir    string `arg:"" help:"The folder of the log."`
	Lines  uint64 `short:"n" default:"10" help:"Begin with the last N records; 0: with the next one." placeholder:"N"`
	Follow bool   `default:"true" negatable:"" help:"Wait for more records, until interrupted."`
	auditNames
}

// auditNames name the accounts of a log's SIDs.
type auditNames struct {
	Directory []string `help:"${auditDirectory}" placeholder:"FILE" short:"d" sep:"none"`
}

// namer returns the names of the directory, nil without one. A log names the subject of a record and not the SIDs of
// entries. A directory file that cannot be read is an error.
func (c *auditNames) namer(std *streams) (trail.Namer, error) {
	if len(c.Directory) == 0 {
		return nil, nil
	}
	d, err := (&directoryFlags{Directory: c.Directory}).readPeople(std)
	if err != nil {
		return nil, err
	}
	return namesOf(d), nil
}

// Run prints the last records, and with --follow waits for more until SIGINT or SIGTERM. An empty log prints nothing.
// A signal and the end of the log are no errors.
func (c *auditTailCmd) Run(std *streams) error {
	name, err := c.namer(std)
	if err != nil {
		return err
	}
	r, last, err := auditReader(c.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	if err := r.Skip(max(r.Oldest(), last+1-min(c.Lines, last))); err != nil {
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	out := std.folding()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) && c.Follow {
			rec, err = r.Wait(ctx)
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return err
		}
		e, err := rec.Event()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, trail.Line(&e, std.outcome, name)); err != nil {
			return err
		}
	}
}

// auditReader opens a log and returns the number of its last record.
func auditReader(dir string) (*auditlog.Reader, uint64, error) {
	r, err := auditlog.NewReader(dir, 0)
	if err != nil {
		return nil, 0, err
	}
	last, err := r.Last()
	return r, last, err
}

// filterFlags select records by the most common fields.
type filterFlags struct {
	Expr      string `arg:"" optional:"" help:"An expression such as 'user=alice and not event=4658'."`
	User      string `help:"Name or SID of subject, server or target; * stands for any text." placeholder:"NAME"`
	Object    string `help:"Name of the object; * stands for any text." placeholder:"NAME"`
	Event     string `help:"Number of the event, such as 4656." placeholder:"N"`
	Result    string `enum:",success,failure" default:"" help:"Only this result: success or failure." placeholder:"RESULT"`
	Privilege string `help:"A privilege that was used or enabled, such as SeBackupPrivilege." placeholder:"NAME"`
	Since     string `help:"Records from this time on, in UTC: 2006-01-02T15:04:05Z." placeholder:"TIME"`
	Until     string `help:"Records before this time, in UTC." placeholder:"TIME"`
}

// filter returns the filter that --expr and the other flags select together. Empty flags select everything. A malformed
// expression or time is an error. A value with a quotation mark is an error. --since and --until replace the times of
// the expression.
func (f *filterFlags) filter() (*trail.Filter, error) {
	out, err := trail.Parse(f.Expr)
	if err != nil {
		return nil, err
	}
	for _, flag := range []struct{ name, value string }{
		{"user", f.User}, {"object", f.Object}, {"event", f.Event}, {"result", f.Result}, {"privilege", f.Privilege},
	} {
		if flag.value == "" {
			continue
		}
		if strings.Contains(flag.value, `"`) { // a word of a filter expression cannot have a quotation mark
			return nil, fmt.Errorf("--%s: the value has a quotation mark", flag.name)
		}
		g, err := trail.Parse(flag.name + `="` + flag.value + `"`)
		if err != nil {
			return nil, err
		}
		out = out.And(g)
	}
	if f.Since != "" {
		if out.Since, err = audit.ParseTime(f.Since); err != nil {
			return nil, fmt.Errorf("--since: %w", err)
		}
	}
	if f.Until != "" {
		if out.Until, err = audit.ParseTime(f.Until); err != nil {
			return nil, fmt.Errorf("--until: %w", err)
		}
	}
	return out, nil
}

// tableOut returns the writer of a format. A table has its long lines broken for the terminal; other formats are
// written unchanged.
func tableOut(std *streams, format string) io.Writer {
	if format == "table" {
		return std.folding()
	}
	return std.out
}

// auditQueryCmd holds the arguments and flags of refmon audit query.
type auditQueryCmd struct {
	Dir    string `arg:"" help:"The folder of the log."`
	Format string `enum:"table,json,csv,xml,ocsf" default:"table" help:"Format: table, json, csv, xml or ocsf."`
	filterFlags
	auditNames
}

// Help returns the long text of --help for refmon audit query.
func (auditQueryCmd) Help() string { return trail.Syntax }

// Run prints the records that the expression selects, also those before an error. No match prints nothing and is not an
// error. A malformed expression and an unknown format are errors, and nothing is printed then.
func (c *auditQueryCmd) Run(std *streams) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	r, err := auditlog.NewReader(c.Dir, 0)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	name, err := c.namer(std)
	if err != nil {
		return err
	}
	w, err := trail.NewWriter(tableOut(std, c.Format), c.Format, std.outcome, name)
	if err != nil {
		return err
	}
	err = trail.Query(r, f, w.Write)
	return joinEnd(err, w.Close()) // records found before an error are printed
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
)

// auditVerifyCmd holds the arguments and flags of refmon audit verify.
type auditVerifyCmd struct {
	Dir string `arg:"" help:"The folder of the log."`
	trustFlags
	From uint64 `help:"Begin with the segment of this record." placeholder:"ID"`
	To   uint64 `help:"End at the first checkpoint that covers this record." placeholder:"ID"`
}

// trustFlags name the checkpoints and keys from elsewhere that a verification trusts.
type trustFlags struct {
	Checkpoint []string `help:"A checkpoint stored elsewhere, which the log must continue." placeholder:"FILE" sep:"none"`
	Key        []string `help:"The public key to trust; by default the one in DIR." placeholder:"FILE" sep:"none"`
}

// verification returns the verification of a log against these checkpoints and keys. A file that cannot be read or is
// no checkpoint or key is an error, and so is a missing folder.
func (f *trustFlags) verification(dir string) (v auditlog.Verification, err error) {
	if _, err := os.Stat(dir); err != nil { // else the missing key would be the error
		return v, err
	}
	v.Dir = dir
	for _, name := range f.Checkpoint {
		b, err := readBounded(openFile, name, maxFile)
		if err != nil {
			return v, fmt.Errorf("read the checkpoint: %w", err)
		}
		// Another file, or one whose line ends were converted, says nothing about the log.
		if !bytes.Contains(b, []byte("\n\n— ")) {
			return v, fmt.Errorf("%s is not a signed checkpoint: give an unchanged copy of DIR/checkpoint", name)
		}
		v.Anchors = append(v.Anchors, b)
	}
	for _, name := range f.Key {
		keys, err := auditlog.ReadPublicKey(name)
		if err != nil {
			return v, err
		}
		v.Keys = append(v.Keys, keys...)
	}
	return v, nil
}

// Help returns the long text of --help for refmon audit verify.
func (auditVerifyCmd) Help() string {
	return `Computes the Merkle tree of all records in the log and compares it with the stored hashes, with
the log's signed checkpoint and with checkpoints that you stored elsewhere. A checkpoint on another machine
proves that nobody has rewritten the records before it or cut them off, so copy DIR/checkpoint there regularly.

A log records that it removed its oldest records. If they are missing and no record says so, somebody else
may have removed them. With --from the exit code does not depend on that.

The exit code is 0 if the log is unchanged, 3 if it was changed or is damaged, 2 if it could not be read,
if its oldest records are missing without such a record, or if it has no record --from or no checkpoint that
covers record --to.`
}

// Run verifies the log against its keys and checkpoints and prints the result. It returns errBroken for a changed or
// incomplete log. It returns another error for a missing folder, and for a file that cannot be read or that is not a
// checkpoint or a key. If the log does not have a record of --from or --to it prints the result and returns an error.
func (c *auditVerifyCmd) Run(std *streams) error {
	if c.To > 0 && c.From > c.To {
		return fmt.Errorf("--from %d is after --to %d", c.From, c.To)
	}
	v, err := c.verification(c.Dir)
	if err != nil {
		return err
	}
	v.From, v.To = c.From, c.To
	out, err := auditlog.Verify(v)
	var fault *auditlog.Fault
	if errors.As(err, &fault) {
		fmt.Fprintf(std.out, "BROKEN: %s\n", printable(fault.Error()))
		return errBroken
	}
	if err != nil {
		return err
	}
	if _, err = fmt.Fprint(std.out, trail.Verified(out, len(c.Checkpoint))); err != nil {
		return err
	}
	return c.covered(out)
}

// covered returns an error if the verification did not include a record that --from or --to names, or if the log's
// oldest records are missing without a record about their removal.
func (c *auditVerifyCmd) covered(out *auditlog.Verified) error {
	covers := func(a auditlog.Checkpoint) bool { return a.Size >= c.To }
	switch {
	case c.From > out.Last:
		return fmt.Errorf("--from %d: the last record is %d", c.From, out.Last)
	case c.From > 0 && c.From < out.First:
		return fmt.Errorf("--from %d: the oldest record is %d", c.From, out.First)
	case c.To > 0 && c.To < out.First:
		return fmt.Errorf("--to %d: the oldest record is %d", c.To, out.First)
	case c.From == 0 && out.Unexplained():
		return unexplained(out)
	case c.To > 0 && !slices.ContainsFunc(out.Anchors, covers):
		return fmt.Errorf("--to %d: no checkpoint covers this record", c.To)
	}
	return nil
}

// unexplained returns the error about oldest records that are missing without a record about their removal.
func unexplained(out *auditlog.Verified) error {
	return fmt.Errorf("records 1 to %d are missing, and no record says that the log removed them (event %d or 1105): "+
		"look for them in a backup", out.Oldest-1, audit.OverwrittenID)
}

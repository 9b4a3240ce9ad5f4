package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/cli/trail"
)

// auditVerifyCmd holds the arguments and flags of refmon audit verify.
type auditVerifyCmd struct {
	Dir        string   `arg:"" help:"The folder of the log."`
	Checkpoint []string `help:"A checkpoint stored elsewhere, whose records the log must still have." placeholder:"FILE"`
	Key        []string `help:"The public key to trust; by default the one in DIR." placeholder:"FILE"`
	From       uint64   `help:"Begin with the segment of this record." placeholder:"ID"`
	To         uint64   `help:"End at the first checkpoint that covers this record." placeholder:"ID"`
}

// Help returns the long text of --help for refmon audit verify.
func (auditVerifyCmd) Help() string {
	return `Computes the Merkle tree of all records in the log and compares it with the stored hashes, with
the log's signed checkpoint and with checkpoints that you stored elsewhere. A checkpoint on another machine
proves that nobody has removed or rewritten the records before it, so copy DIR/checkpoint there regularly.

The exit code is 0 if the log is unchanged, 3 if it was changed or is damaged, 2 if it could not be read,
or if it has no record --from or no checkpoint that covers record --to.`
}

// Run verifies the log against its keys and checkpoints and prints the result. It returns errBroken for a changed or
// incomplete log. It returns another error for a missing folder, and for a file that cannot be read or that is not a
// checkpoint or a key. If the log does not have a record of --from or --to it prints the result and returns an error.
func (c *auditVerifyCmd) Run(std *streams) error {
	if _, err := os.Stat(c.Dir); err != nil { // else the missing key would be the error
		return err
	}
	v := auditlog.Verification{Dir: c.Dir, From: c.From, To: c.To}
	for _, name := range c.Checkpoint {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read the checkpoint: %w", err)
		}
		// Another file, or one whose line ends were converted, says nothing about the log.
		if !bytes.Contains(b, []byte("\n\n— ")) {
			return fmt.Errorf("%s is not a signed checkpoint: give an unchanged copy of DIR/checkpoint", name)
		}
		v.Anchors = append(v.Anchors, b)
	}
	for _, name := range c.Key {
		keys, err := auditlog.ReadPublicKey(name)
		if err != nil {
			return err
		}
		v.Keys = append(v.Keys, keys...)
	}
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

// covered returns an error if the verification did not include a record that --from or --to names.
func (c *auditVerifyCmd) covered(out *auditlog.Verified) error {
	covers := func(a auditlog.Checkpoint) bool { return a.Size >= c.To }
	switch {
	case c.From > out.Last:
		return fmt.Errorf("--from %d: the last record is %d", c.From, out.Last)
	case c.To > 0 && !slices.ContainsFunc(out.Anchors, covers):
		return fmt.Errorf("--to %d: no checkpoint covers this record", c.To)
	}
	return nil
}
